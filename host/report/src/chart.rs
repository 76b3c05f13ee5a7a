//! Line charts, stacked bands and columns as inline SVG.

use std::fmt::Write;

/// Colours of the series, told apart by people with the common kinds of colour blindness (Okabe and Ito, 2008).
pub const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#6b6b6b"];

const WIDTH: f64 = 760.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = 130.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 36.0;

/// One line of a chart.
pub struct Series {
    /// Its label, not escaped.
    pub name: String,
    /// Points in the order of x. Values that are not finite are left out.
    pub points: Vec<(f64, f64)>,
    /// Index into [`COLOURS`].
    pub colour: usize,
}

/// What an axis says.
pub struct Axes<'a> {
    /// Above the chart.
    pub title: &'a str,
    /// Under the x axis.
    pub x: &'a str,
    /// Draw y as a percentage.
    pub percent: bool,
    /// Let y start at zero.
    pub from_zero: bool,
}

/// Escapes text for HTML and SVG. Control characters other than newline and tab become a visible mark.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' | '\t' => escaped.push(character),
            control if control.is_control() => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A line chart. Empty where no series has a point.
pub fn lines(axes: &Axes<'_>, series: &[Series], height: f64) -> String {
    let finite = |point: &&(f64, f64)| point.0.is_finite() && point.1.is_finite();
    let all: Vec<(f64, f64)> = series.iter().flat_map(|one| one.points.iter().filter(finite).copied()).collect();
    if all.is_empty() {
        return String::new();
    }
    let (x_low, x_high) = bounds(all.iter().map(|point| point.0), false);
    let (y_low, y_high) = bounds(all.iter().map(|point| point.1), axes.from_zero);
    let frame = Frame { x: (x_low, x_high), y: (y_low, y_high), height };
    let mut svg = frame.open(axes);
    let mut ends: Vec<(f64, usize)> = Vec::new();
    for (index, one) in series.iter().enumerate() {
        let colour = COLOURS[one.colour % COLOURS.len()];
        let points: Vec<&(f64, f64)> = one.points.iter().filter(finite).collect();
        let Some(last) = points.last() else { continue };
        let path: Vec<String> =
            points.iter().map(|point| format!("{:.1},{:.1}", frame.left(point.0), frame.top(point.1))).collect();
        let _ = write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            path.join(" ")
        );
        if points.len() <= 40 {
            for point in &points {
                let _ = write!(
                    svg,
                    "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\"><title>{}: {} at {}</title></circle>",
                    frame.left(point.0),
                    frame.top(point.1),
                    escape(&one.name),
                    label(point.1, axes.percent),
                    label(point.0, false)
                );
            }
        }
        ends.push((frame.top(last.1), index));
    }
    frame.names(&mut svg, ends, |index| (series[index].name.clone(), series[index].colour));
    svg.push_str("</svg>");
    svg
}

/// Shares that add up to one, as bands over x: `rows[i]` are the shares at `xs[i]`.
pub fn bands(axes: &Axes<'_>, names: &[String], xs: &[f64], rows: &[Vec<f64>], height: f64) -> String {
    let (Some(first), Some(last)) = (xs.first(), xs.last()) else {
        return String::new();
    };
    let frame = Frame { x: (*first, if last > first { *last } else { first + 1.0 }), y: (0.0, 1.0), height };
    let mut svg = frame.open(axes);
    let mut below = vec![0.0; xs.len()];
    let mut middles: Vec<(f64, usize)> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let above: Vec<f64> =
            below.iter().zip(rows).map(|(low, row)| low + row.get(index).copied().unwrap_or(0.0)).collect();
        let edge = |x: &f64, y: &f64| format!("{:.1},{:.1}", frame.left(*x), frame.top(*y));
        let mut outline: Vec<String> = xs.iter().zip(&above).map(|(x, y)| edge(x, y)).collect();
        outline.extend(xs.iter().zip(&below).rev().map(|(x, y)| edge(x, y)));
        let colour = COLOURS[index % COLOURS.len()];
        let share = rows.last().and_then(|row| row.get(index)).copied().unwrap_or(0.0);
        let _ = write!(
            svg,
            "<polygon points=\"{}\" fill=\"{colour}\" fill-opacity=\"0.8\"><title>{}: {}</title></polygon>",
            outline.join(" "),
            escape(name),
            label(share, true)
        );
        if share > 0.0 {
            let middle = (above.last().unwrap_or(&0.0) + below.last().unwrap_or(&0.0)) / 2.0;
            middles.push((frame.top(middle), index));
        }
        below = above;
    }
    let last = rows.last();
    frame.names(&mut svg, middles, |index| {
        let share = last.and_then(|row| row.get(index)).copied().unwrap_or(0.0);
        (format!("{} {}", names[index], label(share, true)), index)
    });
    svg.push_str("</svg>");
    svg
}

/// Columns side by side, each `width` of the x axis wide, the first from `start` on.
pub fn columns(axes: &Axes<'_>, start: f64, width: f64, heights: &[f64], height: f64) -> String {
    let highest = heights.iter().copied().filter(|value| value.is_finite()).fold(0.0, f64::max);
    if highest <= 0.0 {
        return String::new();
    }
    let frame = Frame { x: (start, start + width * heights.len() as f64), y: (0.0, highest), height };
    let mut svg = frame.open(axes);
    for (index, value) in heights.iter().enumerate().filter(|(_, value)| value.is_finite()) {
        let from = start + width * index as f64;
        let (left, right, top) = (frame.left(from), frame.left(from + width), frame.top(*value));
        let _ = write!(
            svg,
            "<rect x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"><title>{} from {} to {}</title></rect>",
            left + 0.5,
            (right - left - 1.0).max(0.5),
            frame.top(0.0) - top,
            COLOURS[0],
            label(*value, axes.percent),
            label(from, false),
            label(from + width, false)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// Values of one setting, one of each seed.
pub struct Group {
    /// The setting's label, not escaped.
    pub name: String,
    /// At least one value.
    pub values: Vec<f64>,
}

/// Groups side by side: each value a point, the mean a line, and around it the interval of the mean that Student's t gives
/// at 95 %, where there are values to estimate it from.
pub fn groups(axes: &Axes<'_>, groups: &[Group], height: f64) -> String {
    let ends = groups.iter().flat_map(|group| {
        let (mean, half) = mean_and_half_interval(&group.values);
        group.values.iter().copied().chain([mean - half.unwrap_or(0.0), mean + half.unwrap_or(0.0)])
    });
    let ends: Vec<f64> = ends.filter(|value| value.is_finite()).collect();
    if ends.is_empty() {
        return String::new();
    }
    let frame = Frame { x: (0.0, groups.len() as f64), y: bounds(ends.into_iter(), axes.from_zero), height };
    let mut svg = frame.open_without_x(axes);
    for (index, group) in groups.iter().enumerate() {
        let (colour, middle) = (COLOURS[index % COLOURS.len()], frame.left(index as f64 + 0.5));
        let (mean, half) = mean_and_half_interval(&group.values);
        if let Some(half) = half {
            let (top, bottom) = (frame.top(mean + half), frame.top(mean - half));
            let _ = write!(
                svg,
                "<line x1=\"{middle:.1}\" x2=\"{middle:.1}\" y1=\"{top:.1}\" y2=\"{bottom:.1}\" stroke=\"{colour}\" stroke-width=\"2\"/>"
            );
        }
        let y = frame.top(mean);
        let _ = write!(
            svg,
            "<line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"{colour}\" stroke-width=\"3\"/>",
            middle - 12.0,
            middle + 12.0
        );
        for (seed, value) in group.values.iter().enumerate() {
            let _ = write!(
                svg,
                "<circle cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\" fill=\"{colour}\" fill-opacity=\"0.6\"><title>{}: {value:.4}</title></circle>",
                middle - 6.0 + 4.0 * (seed % 4) as f64,
                frame.top(*value),
                escape(&group.name)
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{middle:.1}\" y=\"{:.1}\" class=\"tick\" text-anchor=\"middle\">{}</text>",
            height - BOTTOM + 16.0,
            escape(&group.name)
        );
    }
    svg.push_str("</svg>");
    svg
}

/// The mean, and half the width of its interval at 95 %, which a single value does not have.
fn mean_and_half_interval(values: &[f64]) -> (f64, Option<f64>) {
    /// Student's t at 97.5 % for 1 to 30 degrees of freedom.
    const T: [f64; 30] = [
        12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
        2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
    ];
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    if values.len() < 2 {
        return (mean, None);
    }
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let t = T.get(values.len() - 2).copied().unwrap_or(1.96);
    (mean, Some(t * (variance / count).sqrt()))
}

struct Frame {
    x: (f64, f64),
    y: (f64, f64),
    height: f64,
}

impl Frame {
    fn left(&self, x: f64) -> f64 {
        LEFT + (x - self.x.0) / (self.x.1 - self.x.0) * (WIDTH - LEFT - RIGHT)
    }

    fn top(&self, y: f64) -> f64 {
        TOP + (self.y.1 - y) / (self.y.1 - self.y.0) * (self.height - TOP - BOTTOM)
    }

    /// Names at the right edge, each at its height but pushed apart, so that none covers another or leaves the chart.
    fn names(&self, svg: &mut String, mut at: Vec<(f64, usize)>, name: impl Fn(usize) -> (String, usize)) {
        const APART: f64 = 14.0;
        at.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut least = f64::MIN;
        for (y, _) in &mut at {
            *y = y.max(least);
            least = *y + APART;
        }
        let mut most = self.height - BOTTOM + 4.0;
        for (y, _) in at.iter_mut().rev() {
            *y = y.min(most);
            most = *y - APART;
        }
        for (y, index) in at {
            let (name, colour) = name(index);
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" fill=\"{}\" class=\"name\">{}</text>",
                WIDTH - RIGHT + 8.0,
                y + 4.0,
                COLOURS[colour % COLOURS.len()],
                escape(&name)
            );
        }
    }

    fn open(&self, axes: &Axes<'_>) -> String {
        let mut svg = self.open_without_x(axes);
        for tick in ticks(self.x.0, self.x.1) {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" class=\"tick\" text-anchor=\"middle\">{}</text>",
                self.left(tick),
                self.height - BOTTOM + 16.0,
                label(tick, false)
            );
        }
        svg
    }

    fn open_without_x(&self, axes: &Axes<'_>) -> String {
        let mut svg = format!(
            "<svg viewBox=\"0 0 {WIDTH} {0}\" role=\"img\" aria-label=\"{1}\"><text x=\"{LEFT}\" y=\"18\" class=\"title\">{1}</text>",
            self.height,
            escape(axes.title)
        );
        for tick in ticks(self.y.0, self.y.1) {
            let y = self.top(tick);
            let _ = write!(
                svg,
                "<line x1=\"{LEFT}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" class=\"grid\"/><text x=\"{:.1}\" y=\"{:.1}\" class=\"tick\" text-anchor=\"end\">{}</text>",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                label(tick, axes.percent)
            );
        }
        let _ = write!(
            svg,
            "<text x=\"{:.1}\" y=\"{:.1}\" class=\"tick\" text-anchor=\"middle\">{}</text>",
            (LEFT + WIDTH - RIGHT) / 2.0,
            self.height - 4.0,
            escape(axes.x)
        );
        svg
    }
}

fn bounds(values: impl Iterator<Item = f64>, from_zero: bool) -> (f64, f64) {
    let (mut low, mut high) = values.fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(value), high.max(value)));
    if from_zero {
        low = low.min(0.0);
    }
    if high - low < 1e-12 {
        high = low + if low.abs() > 1.0 { low.abs() * 0.1 } else { 1.0 };
    }
    (low, high)
}

/// Four to eight round numbers between two bounds.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let raw = (high - low) / 5.0;
    let power = 10f64.powf(raw.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|round| round * power).find(|step| *step >= raw).unwrap_or(raw);
    let first = (low / step).ceil() as i64;
    (first..first + 12).map(|index| index as f64 * step).take_while(|tick| *tick <= high + step * 1e-9).collect()
}

fn label(value: f64, percent: bool) -> String {
    if percent {
        return format!("{}%", trim(value * 100.0, 1));
    }
    match value.abs() {
        size if size >= 1e9 => format!("{}G", trim(value / 1e9, 2)),
        size if size >= 1e6 => format!("{}M", trim(value / 1e6, 2)),
        size if size >= 1e4 => format!("{}k", trim(value / 1e3, 1)),
        _ => trim(value, 3),
    }
}

fn trim(value: f64, decimals: usize) -> String {
    let text = format!("{value:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_name_can_not_become_markup() {
        let series = [Series { name: "<script>".into(), points: vec![(0.0, 1.0), (1.0, 2.0)], colour: 0 }];
        let axes = Axes { title: "a & b", x: "step", percent: false, from_zero: true };
        let svg = lines(&axes, &series, 200.0);
        assert!(!svg.contains("<script>") && svg.contains("&lt;script&gt;") && svg.contains("a &amp; b"));
    }

    #[test]
    fn points_that_are_not_finite_are_left_out() {
        let series = [Series {
            name: "loss".into(),
            points: vec![(0.0, f64::NAN), (1.0, 2.0), (2.0, f64::INFINITY)],
            colour: 0,
        }];
        let axes = Axes { title: "t", x: "x", percent: false, from_zero: false };
        let svg = lines(&axes, &series, 200.0);
        assert!(svg.contains("polyline") && !svg.contains("NaN") && !svg.contains("inf"));
    }

    #[test]
    fn the_interval_of_a_mean_is_students() {
        let (mean, half) = mean_and_half_interval(&[1.0, 2.0, 3.0]);
        assert!((mean - 2.0).abs() < 1e-12 && (half.unwrap() - 4.303 / 3f64.sqrt()).abs() < 1e-9);
        assert_eq!(mean_and_half_interval(&[5.0]), (5.0, None));
        let group = |name: &str, values: &[f64]| Group { name: name.into(), values: values.into() };
        let axes = Axes { title: "t", x: "", percent: false, from_zero: false };
        let svg = groups(&axes, &[group("<a>", &[1.0, 2.0, 3.0]), group("b", &[2.5])], 200.0);
        assert_eq!((svg.matches("<circle").count(), svg.matches("&lt;a&gt;").count()), (4, 4), "{svg}");
        assert_eq!(groups(&axes, &[], 200.0), "");
    }

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(ticks(0.0, 1.0), [0.0, 0.2, 0.4, 0.6000000000000001, 0.8, 1.0]);
        assert!(ticks(3.0, 97.0).iter().all(|tick| (3.0..=97.0).contains(tick) && tick % 20.0 == 0.0));
    }
}
