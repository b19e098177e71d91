//! management-api
