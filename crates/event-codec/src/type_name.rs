//! The name of a type, as a program writes it.

/// The name of `T` without the modules, such as `Vec<String>`.
pub(crate) fn type_name<T: ?Sized>() -> String {
    let full = std::any::type_name::<T>();
    let mut parts = full.split("::").peekable();
    let mut name = String::new();
    while let Some(part) = parts.next() {
        // What comes before `::` ends in the name of a module.
        let is_last = parts.peek().is_none();
        let kept = part.trim_end_matches(|c: char| c.is_alphanumeric() || c == '_');
        name.push_str(if is_last { part } else { kept });
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_no_modules() {
        assert_eq!(type_name::<u16>(), "u16");
        assert_eq!(type_name::<std::net::SocketAddr>(), "SocketAddr");
        assert_eq!(
            type_name::<Result<Vec<String>, [(std::time::Duration, &str); 2]>>(),
            "Result<Vec<String>, [(Duration, &str); 2]>"
        );
    }
}
