//! `Debug` for decoders that hold functions, or values that may be secrets.

/// Implements `Debug` by the type's name and, if there is one, the decoder below.
macro_rules! debug {
    ($name:ident<$($parameter:ident $(: $bound:path)?),*> $({ $field:ident: $of:ident })?) => {
        impl<$($parameter $(: $bound)?),*> std::fmt::Debug for $name<$($parameter),*>
        where
            $($of: std::fmt::Debug,)?
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_tuple(stringify!($name))$(.field(&self.$field))?.finish()
            }
        }
    };
}

pub(crate) use debug;
