//! `Debug` for types that hold functions, or values that may be secrets.

/// Implements `Debug` by the type's name and the fields that are listed, each of which has `Debug` if its
/// type parameter does.
macro_rules! debug {
    ($name:ident<$($lifetime:lifetime,)? $($parameter:ident $(: ?$sized:ident)?),*> { $($field:ident: $of:ident),* }) => {
        impl<$($lifetime,)? $($parameter $(: ?$sized)?),*> std::fmt::Debug for $name<$($lifetime,)? $($parameter),*>
        where
            $($of: std::fmt::Debug,)*
        {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct(stringify!($name))$(.field(stringify!($field), &self.$field))*.finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use debug;
