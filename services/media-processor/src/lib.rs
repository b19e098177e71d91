//! media-processor
