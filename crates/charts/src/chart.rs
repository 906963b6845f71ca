//! A chart of one benchmark: the measured values over the size, with a line for each contender. Both axes
//! are logarithmic.

use std::error::Error;
use std::ops::Range;
use std::path::Path;

use measure::{Record, Report, Role};
use plotters::prelude::*;

pub(crate) struct Chart {
    pub(crate) file: &'static str,
    pub(crate) title: &'static str,
    /// What the size counts, such as `watchers`.
    pub(crate) size: &'static str,
}

const OURS: RGBColor = RGBColor(200, 30, 30);
const PEERS: [RGBColor; 7] = [
    RGBColor(31, 119, 180),
    RGBColor(44, 160, 44),
    RGBColor(148, 103, 189),
    RGBColor(140, 86, 75),
    RGBColor(227, 119, 194),
    RGBColor(23, 190, 207),
    RGBColor(188, 189, 34),
];
const FLOOR: RGBColor = RGBColor(127, 127, 127);

impl Chart {
    /// Draws the records of the benchmark `work` to an SVG in `folder`.
    pub(crate) fn draw(&self, report: &Report, work: &str, folder: &Path) -> Result<(), String> {
        let of_work = |record: &&Record| record.work == work && record.size.is_some_and(|n| n > 0);
        let records: Vec<&Record> = report.records().iter().filter(of_work).collect();
        let Some(unit) = records.first().map(|record| record.unit.as_str()) else {
            return Err("no record with a size".to_owned());
        };
        let path = folder.join(self.file).with_extension("svg");
        self.draw_lines(&records, unit, &path).map_err(|error| error.to_string())
    }

    fn draw_lines(
        &self,
        records: &[&Record],
        unit: &str,
        path: &Path,
    ) -> Result<(), Box<dyn Error>> {
        let root = SVGBackend::new(path, (760, 440)).into_drawing_area();
        root.fill(&WHITE)?;
        let mut chart = ChartBuilder::on(&root)
            .caption(format!("{}, {unit}, logarithmic", self.title), ("sans-serif", 18))
            .margin(12)
            .x_label_area_size(40)
            .y_label_area_size(80)
            .build_cartesian_2d(
                span(records.iter().map(|record| size(record))).log_scale(),
                span(records.iter().map(|record| record.value)).log_scale(),
            )?;
        chart
            .configure_mesh()
            .x_desc(self.size)
            .x_label_formatter(&label)
            .y_label_formatter(&label)
            .light_line_style(RGBColor(240, 240, 240))
            .draw()?;
        let mut colours = PEERS.iter().cycle();
        for name in contenders(records) {
            let line: Vec<&Record> =
                records.iter().copied().filter(|record| record.who == name).collect();
            let (colour, width) = match line.first().map(|record| record.role) {
                Some(Role::Ours) => (OURS, 3),
                Some(Role::Floor) => (FLOOR, 1),
                _ => (*colours.next().unwrap_or(&OURS), 1),
            };
            let points: Vec<(f64, f64)> =
                line.iter().map(|record| (size(record), record.value)).collect();
            chart
                .draw_series(LineSeries::new(points, colour.stroke_width(width)).point_size(3))?
                .label(name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], colour.stroke_width(width))
                });
        }
        chart
            .configure_series_labels()
            .position(SeriesLabelPosition::UpperLeft)
            .background_style(WHITE.mix(0.8))
            .border_style(RGBColor(200, 200, 200))
            .draw()?;
        root.present()?;
        Ok(())
    }
}

/// The names of the contenders, in the order of their first records.
fn contenders<'a>(records: &[&'a Record]) -> Vec<&'a str> {
    let mut names: Vec<&str> = Vec::new();
    for record in records {
        if !names.contains(&&*record.who) {
            names.push(&record.who);
        }
    }
    names
}

#[allow(clippy::cast_precision_loss)] // sizes are far below 2^53
fn size(record: &Record) -> f64 {
    record.size.unwrap_or_default() as f64
}

/// The range of an axis: all values, with a margin below and above.
fn span(values: impl Iterator<Item = f64> + Clone) -> Range<f64> {
    let least = values.clone().fold(f64::INFINITY, f64::min);
    let most = values.fold(f64::NEG_INFINITY, f64::max);
    least * 0.7..most * 1.5
}

/// The label of a tick: a whole number, or three decimals below one.
#[allow(clippy::trivially_copy_pass_by_ref)] // plotters passes a reference
fn label(value: &f64) -> String {
    if *value >= 1.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}
