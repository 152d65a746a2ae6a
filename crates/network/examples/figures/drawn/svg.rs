//! Lines, boxes and words on white, which is readable in light and dark books alike.

use svg::Document;
use svg::node::element::{Circle, Line, Polyline, Rectangle, Text, Title};

/// A place, from the upper left corner.
pub(super) type Point = (f64, f64);

pub(super) const INK: &str = "#333333";
pub(super) const GREY: &str = "#999999";
/// Told apart by those who see few colours, too.
pub(super) const COLOURS: [&str; 5] = ["#0072b2", "#d55e00", "#009e73", "#a05195", "#8c6d1f"];

/// Which end of a text its place is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// A drawing under way.
pub(super) struct Drawing(Document);

/// Files do not differ by what no one sees.
fn tenths(x: f64) -> f64 {
    (10.0 * x).round() / 10.0
}

impl Drawing {
    /// White paper; `title` is what those hear who do not see it.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let paper = Rectangle::new().set("width", width).set("height", height).set("fill", "#ffffff");
        let document = Document::new()
            .set("viewBox", (0, 0, width, height))
            .set("width", width)
            .set("height", height)
            .set("role", "img")
            .set("font-family", "sans-serif")
            .set("font-size", 13);
        Self(document.add(Title::new(title)).add(paper))
    }

    fn add(&mut self, element: impl svg::Node) {
        svg::Node::append(&mut self.0, element);
    }

    pub(super) fn line(&mut self, (x1, y1): Point, (x2, y2): Point, colour: &str, dashed: bool) {
        let line = Line::new().set("x1", tenths(x1)).set("y1", tenths(y1)).set("x2", tenths(x2)).set("y2", tenths(y2));
        let line = line.set("stroke", colour);
        self.add(if dashed { line.set("stroke-dasharray", "5 4") } else { line });
    }

    /// A line through points, each of which is marked.
    pub(super) fn curve(&mut self, points: &[Point], colour: &str) {
        let places: Vec<String> = points.iter().map(|&(x, y)| format!("{},{}", tenths(x), tenths(y))).collect();
        let line = Polyline::new().set("points", places.join(" ")).set("fill", "none");
        self.add(line.set("stroke", colour).set("stroke-width", 2));
        for &(x, y) in points {
            self.add(Circle::new().set("cx", tenths(x)).set("cy", tenths(y)).set("r", 3).set("fill", colour));
        }
    }

    /// A filled box from its upper left corner.
    pub(super) fn rectangle(&mut self, (x, y): Point, (width, height): Point, colour: &str) {
        let rectangle = Rectangle::new().set("x", tenths(x)).set("y", tenths(y));
        self.add(rectangle.set("width", tenths(width)).set("height", tenths(height)).set("fill", colour));
    }

    pub(super) fn text(&mut self, (x, y): Point, anchor: Anchor, colour: &str, words: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = Text::new(words).set("x", tenths(x)).set("y", tenths(y));
        self.add(text.set("text-anchor", anchor).set("fill", colour));
    }

    /// The file's content.
    pub(super) fn finish(self) -> String {
        format!("{}\n", self.0)
    }
}
