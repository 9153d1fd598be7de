//! Charts: drawn here as SVG by charts-rs, coloured by the style sheet.
//!
//! A drawing names the colours of the light theme; `dashboard.css` finds them by these names and puts the theme's in
//! their place. charts-rs was chosen over `plotters` (no legend, stacks or hints of its own, so most of a chart would
//! be ours) and `charming` (draws in a browser, or in a JavaScript engine).

use charts_rs::{
    BarChart, Box as Space, ChartBase, Color, LineChart, Series, SeriesCategory, Symbol, YAxisConfig,
    svg_with_accessibility,
};

use crate::http::problem::{Kind, Problem};

/// Colours of the series, in their order, and of what stands around them.
const SERIES: [&str; 3] = ["#0B7A61", "#C8334E", "#3B62C9"];
const GRID: &str = "#E1E6EB";
const AXIS: &str = "#8A95A1";
const TEXT: &str = "#57626F";

/// More buckets than these make bars too thin to be told apart.
const MOST_BARS: usize = 100;

/// Values over time.
pub struct Plot {
    /// What the chart is of, for those who cannot see it.
    pub title: String,
    /// What each bucket is called.
    pub labels: Vec<String>,
    /// Names and values, one for each bucket.
    pub series: Vec<(String, Vec<f32>)>,
    /// How it is drawn.
    pub form: Form,
}

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Bars; the series of a bucket stand on each other. Half as wide as a page.
    Stacked,
    /// Bars beside each other, and the last series as a line. As wide as a page.
    BarsAndLine,
}

/// A chart in two sizes: for screens and for phones.
pub struct Chart {
    pub broad: String,
    pub narrow: String,
}

impl Plot {
    /// Draws it.
    pub fn draw(&self) -> Result<Chart, Problem> {
        let width = match self.form {
            Form::Stacked => 500.0,
            Form::BarsAndLine => 1020.0,
        };
        Ok(Chart { broad: self.svg(width, 230.0)?, narrow: self.svg(330.0, 210.0)? })
    }

    fn svg(&self, width: f32, height: f32) -> Result<String, Problem> {
        let all = self.series.iter().map(|(name, values)| (name.as_str(), self.seen(values, height)).into());
        let mut series: Vec<Series> = all.collect();
        // Room at both sides: as many are left out as would touch otherwise.
        let labels = self.labels.iter().map(|label| format!("\u{a0}\u{a0}{label}\u{a0}\u{a0}")).collect();
        let drawn = if self.labels.len() <= MOST_BARS {
            match self.form {
                Form::Stacked => series.iter_mut().for_each(|each| each.stack = Some("all".to_owned())),
                Form::BarsAndLine => {
                    if let Some(last) = series.last_mut() {
                        last.category = Some(SeriesCategory::Line);
                        last.symbol = Some(Symbol::Circle(2.0, Some(SERIES[2].into())));
                    }
                }
            }
            let mut chart = BarChart::new(series, labels);
            chart.radius = Some(1.5);
            self.dress(&mut chart.base, &mut chart.y_axis_configs, width, height);
            chart.svg()
        } else {
            let mut chart = LineChart::new(series, labels);
            self.dress(&mut chart.base, &mut chart.y_axis_configs, width, height);
            chart.svg()
        };
        let svg = drawn.map_err(|error| Problem::because(Kind::Internal, error))?;
        Ok(svg_with_accessibility(&without_styles(&svg), &self.title, ""))
    }

    fn dress(&self, base: &mut ChartBase, axes: &mut [YAxisConfig], width: f32, height: f32) {
        let few = width < 400.0;
        (base.width, base.height) = (width, height);
        base.background_color = Color::transparent();
        base.margin = Space { left: 0.0, top: 8.0, right: 4.0, bottom: 0.0 };
        base.legend.show = Some(false);
        base.title.text = String::new();
        base.tooltip.show = true;
        base.grid.stroke_color = GRID.into();
        base.series.colors = SERIES.into_iter().map(Color::from).collect();
        base.series.stroke_width = 2.0;
        base.series.smooth = false;
        base.series.fill = self.series.len() == 1;
        if self.labels.len() > MOST_BARS {
            base.series.symbol = Some(Symbol::None);
        }
        base.x_axis.font.size = 11.0;
        base.x_axis.font.color = TEXT.into();
        base.x_axis.stroke_color = AXIS.into();
        for axis in axes {
            axis.font.size = 11.0;
            axis.font.color = TEXT.into();
            axis.stroke_color = AXIS.into();
            axis.split_number = if few { 3 } else { 4 };
            axis.formatter = Some("{c}".to_owned());
            let steps = if few { 3.0 } else { 4.0 };
            // A request, a credit or a real: an axis does not tell less.
            axis.max = self.highest().map(|highest| steps * round_step(highest / steps, 1.0));
        }
    }

    /// Half of the least that an axis tells: a request or a credit, or a centavo.
    fn least(&self) -> f32 {
        match self.form {
            Form::Stacked => 0.5,
            Form::BarsAndLine => 0.005,
        }
    }

    /// Values without what an axis does not tell, and what would be less than a pixel: an axis should not reach below
    /// zero for it.
    fn seen(&self, values: &[f32], height: f32) -> Vec<f32> {
        let most = values.iter().fold(0.0_f32, |most, value| most.max(value.abs()));
        let shown = |value: f32| value.abs() >= self.least() && value.abs() * height >= most;
        values.iter().map(|value| if shown(*value) { *value } else { 0.0 }).collect()
    }

    /// How high the drawing gets, where it does not also go below nothing.
    fn highest(&self) -> Option<f32> {
        let each = |at: usize| self.series.iter().filter_map(move |(_, values)| values.get(at).copied());
        let stacked = self.form == Form::Stacked && self.labels.len() <= MOST_BARS;
        let tall = |at| if stacked { each(at).sum::<f32>() } else { each(at).fold(0.0, f32::max) };
        let below = self.series.iter().any(|(_, values)| values.iter().any(|value| -*value >= self.least()));
        (!below).then(|| (0..self.labels.len()).map(tall).fold(0.0, f32::max))
    }
}

/// The least step that people count in (1, 2 or 5, with zeros) that is as long as this one and as the least.
fn round_step(step: f32, least: f32) -> f32 {
    let step = step.max(least);
    let mut ten = least;
    while ten * 10.0 <= step {
        ten *= 10.0;
    }
    let fits = |times: &&f32| ten * **times >= step * 0.999;
    ten * [1.0, 2.0, 5.0, 10.0].iter().find(fits).copied().unwrap_or(10.0)
}

/// The drawing without its own style sheet, which the page's policy would not let in, and without the hints that it
/// would have shown: `dashboard.js` shows them, and every shape has its title.
fn without_styles(svg: &str) -> String {
    let mut text = without(svg, "<style>", "</style>", |_| true);
    text = without(&text, "<text", "</text>", |part| part.contains("class=\"ct-tip\""));
    text
}

/// A text without the parts from `open` to `close` that are to go.
fn without(text: &str, open: &str, close: &str, goes: impl Fn(&str) -> bool) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(begin) = rest.find(open) {
        let end = rest[begin..].find(close).map_or(rest.len(), |at| begin + at + close.len());
        kept.push_str(&rest[..begin]);
        if !goes(&rest[begin..end]) {
            kept.push_str(&rest[begin..end]);
        }
        rest = &rest[end..];
    }
    kept.push_str(rest);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plot(buckets: usize, form: Form) -> Plot {
        let values: Vec<f32> = (0..u16::try_from(buckets).unwrap()).map(f32::from).collect();
        Plot {
            title: "Pedidos <b>".to_owned(),
            labels: (0..buckets).map(|at| format!("d{at}")).collect(),
            series: vec![("a<script>".to_owned(), values.clone()), ("b".to_owned(), values)],
            form,
        }
    }

    #[test]
    fn a_chart_has_a_name_and_nothing_that_the_policy_forbids() {
        let forms = [Form::Stacked, Form::BarsAndLine];
        for (buckets, form) in [1, 30, 500].into_iter().flat_map(|buckets| forms.map(|form| (buckets, form)))
        {
            let chart = plot(buckets, form).draw().unwrap();
            for svg in [&chart.broad, &chart.narrow] {
                assert!(svg.contains("role=\"img\"") && svg.contains("<title>Pedidos &lt;b&gt;</title>"));
                for forbidden in ["<style", " style=", "<script", "ct-tip", "NaN", "inf"] {
                    assert!(!svg.contains(forbidden), "{forbidden} in {svg}");
                }
            }
        }
    }

    #[test]
    fn steps_are_those_that_people_count_in() {
        for (step, least, round) in
            [(0.0, 1.0, 1.0), (1.2, 1.0, 2.0), (85.0, 1.0, 100.0), (230.0, 1.0, 500.0), (0.03, 0.01, 0.05)]
        {
            assert!((round_step(step, least) - round).abs() < 0.001, "{step}: {}", round_step(step, least));
        }
    }

    #[test]
    fn nothing_at_all_can_be_drawn() {
        let zeros = Plot {
            title: "t".to_owned(),
            labels: vec!["a".to_owned(), "b".to_owned()],
            series: vec![("x".to_owned(), vec![0.0, 0.0])],
            form: Form::Stacked,
        };
        assert!(!zeros.draw().unwrap().broad.contains("NaN"));
    }

    #[test]
    fn the_style_sheet_knows_every_colour() {
        let css = include_str!("../../assets/dashboard.css");
        let all = [(9, Form::Stacked), (9, Form::BarsAndLine), (90, Form::BarsAndLine)];
        let svg =
            all.map(|(buckets, form)| plot(buckets, form)).map(|plot| plot.draw().unwrap().broad).concat();
        // Places for the pointer, which nobody sees.
        let svg = svg.replace("fill-opacity=\"0\" fill=\"#000000\"", "");
        for (at, _) in svg.match_indices("=\"#") {
            let colour: String = svg[at + 2..].chars().take_while(|c| *c != '"').collect();
            assert!(css.contains(&colour), "{colour}");
        }
    }
}
