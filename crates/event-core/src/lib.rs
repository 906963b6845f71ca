//! event-core
