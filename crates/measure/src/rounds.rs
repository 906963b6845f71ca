//! Rounds, in which the contenders take turns, and statistics over their samples.

/// Runs `count` rounds and returns the median of each contender.
///
/// In each round, each contender measures one sample. The contenders take turns because a machine that
/// slows down for a while then slows down all of them.
pub fn rounds(count: usize, contenders: &mut [&mut dyn FnMut() -> f64]) -> Vec<f64> {
    let mut samples = vec![Vec::with_capacity(count); contenders.len()];
    for round in 0..count {
        for at in 0..contenders.len() {
            let at = (at + round) % contenders.len();
            samples[at].push(contenders[at]());
        }
    }
    samples.iter_mut().map(|samples| median(samples)).collect()
}

/// The median; `NaN` if there are no samples.
pub fn median(samples: &mut [f64]) -> f64 {
    percentile(samples, 50)
}

/// The percentile by the nearest rank: the smallest sample that at least `percent` percent of the samples
/// do not exceed. `NaN` if there are no samples.
pub fn percentile(samples: &mut [f64], percent: usize) -> f64 {
    samples.sort_by(f64::total_cmp);
    let rank = (samples.len() * percent).div_ceil(100).max(1);
    samples.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_samples() {
        let mut samples: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let results =
            [percentile(&mut samples, 50), percentile(&mut samples, 99), median(&mut [3.0])];
        assert_eq!(results.map(|result| result.to_string()), ["100", "198", "3"]);
        assert!(median(&mut []).is_nan());
    }

    #[test]
    fn each_contender_measures_once_per_round() {
        let (mut first, mut second) = (0.0, 10.0);
        let medians = rounds(
            3,
            &mut [
                &mut || {
                    first += 1.0;
                    first
                },
                &mut || {
                    second += 1.0;
                    second
                },
            ],
        );
        assert_eq!(medians, [2.0, 12.0]);
    }
}
