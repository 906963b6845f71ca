//! The types of the values.

use std::sync::Arc;

/// The type of a value: small, shared, or big.
pub(crate) trait Payload: Clone + Send + Sync + 'static {
    const NAME: &'static str;

    fn number(number: u64) -> Self;

    /// Reads one word of the value through a reference.
    fn word(&self) -> u64;
}

/// 200 bytes, which each clone copies.
#[derive(Clone, Copy)]
pub(crate) struct Big([u64; 25]);

impl Payload for u64 {
    const NAME: &'static str = "u64";

    fn number(number: u64) -> Self {
        number
    }

    fn word(&self) -> u64 {
        *self
    }
}

impl Payload for Arc<String> {
    const NAME: &'static str = "Arc<String>";

    fn number(number: u64) -> Self {
        Self::new(number.to_string())
    }

    fn word(&self) -> u64 {
        self.len() as u64
    }
}

impl Payload for Big {
    const NAME: &'static str = "200 bytes";

    fn number(number: u64) -> Self {
        Self([number; 25])
    }

    fn word(&self) -> u64 {
        self.0[24]
    }
}
