//! The traits of a decoder that depends on a type and holds no value of it.

/// Implements `Debug`, `Clone`, `Copy` and `Default`, whatever the type is. A derive would ask the type for
/// them.
macro_rules! of_type {
    ($name:ident) => {
        crate::debug::debug!($name<T>);

        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                *self
            }
        }

        impl<T> Copy for $name<T> {}

        impl<T> Default for $name<T> {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}

pub(crate) use of_type;
