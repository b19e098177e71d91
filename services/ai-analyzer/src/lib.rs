//! ai-analyzer
