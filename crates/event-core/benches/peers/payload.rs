//! What the values hold.

use std::sync::Arc;

/// What a value holds: small, shared, or big.
pub(crate) trait Payload: Clone + Send + Sync + 'static {
    const NAME: &'static str;

    fn number(number: u64) -> Self;

    /// What a request takes of it, where it has only a reference: a word.
    fn look(&self) -> u64;
}

/// 200 bytes that are copied.
#[derive(Clone, Copy)]
pub(crate) struct Big([u64; 25]);

impl Payload for u64 {
    const NAME: &'static str = "u64";

    fn number(number: u64) -> Self {
        number
    }

    fn look(&self) -> u64 {
        *self
    }
}

impl Payload for Arc<String> {
    const NAME: &'static str = "Arc<String>";

    fn number(number: u64) -> Self {
        Self::new(number.to_string())
    }

    fn look(&self) -> u64 {
        self.len() as u64
    }
}

impl Payload for Big {
    const NAME: &'static str = "200 bytes";

    fn number(number: u64) -> Self {
        Self([number; 25])
    }

    fn look(&self) -> u64 {
        self.0[24]
    }
}
