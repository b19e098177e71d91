//! crm-dispatcher
