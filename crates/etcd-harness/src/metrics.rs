//! Reads one value from a server's metrics.

/// The value of a metric in Prometheus' text format. If `name` has no labels, the sum over all labels.
pub(crate) fn value(text: &str, name: &str) -> Option<f64> {
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let values: Vec<f64> = samples.filter_map(|line| sample(line, name)).collect();
    (!values.is_empty()).then(|| values.iter().sum())
}

fn sample(line: &str, name: &str) -> Option<f64> {
    let (series, value) = line.rsplit_once(' ')?;
    let bare = series.split('{').next()?;
    if series == name || bare == name { value.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::value;

    const TEXT: &str = "# HELP a_total how many\na_total 3\na_total_more 7\n\
        b_total{kind=\"x y\"} 1\nb_total{kind=\"z\"} 2.5e+01\n";

    #[test]
    fn a_metric_is_found_by_its_full_name_only() {
        assert_eq!(value(TEXT, "a_total"), Some(3.0));
        assert_eq!(value(TEXT, "a"), None);
    }

    #[test]
    fn a_name_without_labels_yields_the_sum_over_all_labels() {
        assert_eq!(value(TEXT, "b_total"), Some(26.0));
        assert_eq!(value(TEXT, "b_total{kind=\"x y\"}"), Some(1.0));
    }
}
