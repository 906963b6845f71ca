//! event-codec
