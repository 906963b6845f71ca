//! Taking turns.

/// Lets each contender measure itself once per round, in turn, and gives the median of each.
///
/// In turn, so that a machine that becomes slower for a while does so for all of them.
pub fn rounds(count: usize, contenders: &mut [&mut dyn FnMut() -> f64]) -> Vec<f64> {
    let mut taken = vec![Vec::with_capacity(count); contenders.len()];
    for round in 0..count {
        for at in 0..contenders.len() {
            let at = (at + round) % contenders.len();
            taken[at].push(contenders[at]());
        }
    }
    taken.iter_mut().map(|figures| median(figures)).collect()
}

/// The middle one; `NaN` of none.
pub fn median(figures: &mut [f64]) -> f64 {
    percentile(figures, 50)
}

/// The figure that `percent` of them do not exceed, by the nearest rank; `NaN` of none.
pub fn percentile(figures: &mut [f64], percent: usize) -> f64 {
    figures.sort_by(f64::total_cmp);
    let rank = (figures.len() * percent).div_ceil(100).max(1);
    figures.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_figures() {
        let mut figures: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        let told = [percentile(&mut figures, 50), percentile(&mut figures, 99), median(&mut [3.0])];
        assert_eq!(told.map(|figure| figure.to_string()), ["100", "198", "3"]);
        assert!(median(&mut []).is_nan());
    }

    #[test]
    fn each_contender_takes_its_turn() {
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
