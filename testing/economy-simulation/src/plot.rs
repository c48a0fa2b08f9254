//! Plots as SVG, without a library: lines over days, and bars.

use std::fmt::Write as _;

const WIDTH: f64 = 820.0;
const HEIGHT: f64 = 360.0;
const LEFT: f64 = 80.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 50.0;
/// Steps of each axis.
const TICKS: usize = 5;
/// Told apart by people who do not see all colours, and by their order.
const COLOURS: [&str; 4] = ["#0b61a4", "#d1660f", "#3c8a3f", "#7b4fa0"];

/// A line: its name, and its values at equal steps.
pub struct Line {
    /// What it shows.
    pub name: &'static str,
    /// Its values.
    pub values: Vec<f64>,
}

/// A number as short as an axis has room for.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 1e9 => format!("{:.1} G", value / 1e9),
        size if size >= 1e6 => format!("{:.1} M", value / 1e6),
        size if size >= 1e4 => format!("{:.0} k", value / 1e3),
        size if size >= 10.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

struct Frame {
    text: String,
    most: f64,
}

impl Frame {
    fn new(title: &str, across: &str, most: f64) -> Self {
        let mut text = String::new();
        let _infallible = write!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
             font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{title}\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
             <text x=\"{LEFT}\" y=\"22\" font-size=\"15\">{title}</text>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\">{across}</text>\n",
            f64::midpoint(LEFT, WIDTH - RIGHT),
            HEIGHT - 10.0
        );
        let mut frame = Self {
            text,
            most: if most > 0.0 { most } else { 1.0 },
        };
        for tick in 0..=TICKS {
            let value = frame.most * tick as f64 / TICKS as f64;
            let y = frame.y(value);
            let _infallible = write!(
                frame.text,
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#ddd\"/>\n\
                 <text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\n",
                WIDTH - RIGHT,
                LEFT - 6.0,
                y + 4.0,
                short(value)
            );
        }
        frame
    }

    fn y(&self, value: f64) -> f64 {
        HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / self.most
    }

    fn label(&mut self, x: f64, text: &str) {
        let _infallible = writeln!(
            self.text,
            "<text x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
            HEIGHT - BOTTOM + 18.0
        );
    }

    fn done(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// Lines over the same steps.
pub fn lines(title: &str, across: &str, lines: &[Line]) -> String {
    let most = lines
        .iter()
        .flat_map(|line| &line.values)
        .copied()
        .fold(0.0, f64::max);
    let steps = lines.iter().map(|line| line.values.len()).max().unwrap_or(0);
    let mut frame = Frame::new(title, across, most);
    let x = |step: usize| LEFT + (WIDTH - LEFT - RIGHT) * step as f64 / steps.max(2) as f64;
    for tick in 0..=TICKS {
        let step = steps * tick / TICKS;
        frame.label(x(step), &step.to_string());
    }
    for (line, colour) in lines.iter().zip(COLOURS.iter().cycle()) {
        let points: Vec<String> = line
            .values
            .iter()
            .enumerate()
            .map(|(step, value)| format!("{:.1},{:.1}", x(step + 1), frame.y(*value)))
            .collect();
        let _infallible = writeln!(
            frame.text,
            "<polyline fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\" points=\"{}\"/>",
            points.join(" ")
        );
    }
    for (place, (line, colour)) in lines.iter().zip(COLOURS.iter().cycle()).enumerate() {
        let _infallible = writeln!(
            frame.text,
            "<text x=\"{:.1}\" y=\"22\" fill=\"{colour}\">{}</text>",
            WIDTH - RIGHT - 150.0 * (lines.len() - place) as f64,
            line.name
        );
    }
    frame.done()
}

/// How many values lie in each of so many ranges of equal width up to `most`; those above are in the last one.
pub fn histogram(title: &str, across: &str, values: &[f64], most: f64, bins: usize) -> String {
    let mut counts = vec![0u32; bins.max(1)];
    for value in values {
        let bin = (value / most * bins as f64).floor().max(0.0) as usize;
        let last = counts.len() - 1;
        counts[bin.min(last)] += 1;
    }
    let tallest = counts.iter().copied().max().unwrap_or(0);
    let mut frame = Frame::new(title, across, f64::from(tallest));
    let width = (WIDTH - LEFT - RIGHT) / counts.len() as f64;
    for (bin, count) in counts.iter().enumerate() {
        let (x, y) = (LEFT + width * bin as f64, frame.y(f64::from(*count)));
        let _infallible = writeln!(
            frame.text,
            "<rect x=\"{:.1}\" y=\"{y:.1}\" width=\"{:.1}\" height=\"{:.1}\" fill=\"{}\"/>",
            x + 0.5,
            width - 1.0,
            HEIGHT - BOTTOM - y,
            COLOURS[0]
        );
    }
    for tick in 0..=TICKS {
        let part = tick as f64 / TICKS as f64;
        let x = LEFT + (WIDTH - LEFT - RIGHT) * part;
        frame.label(x, &short(most * part));
    }
    frame.done()
}
