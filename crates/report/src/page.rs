use minijinja::value::{Serde, Value};
use minijinja::{Environment, context};
use serde::Serialize;

use crate::Figure;

/// What a report shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// What it is, in a sentence or two.
    pub lead: String,
    /// The figures to see first.
    pub tiles: Vec<Tile>,
    /// Names of all series of its charts, which they have their colours by, in order.
    pub series: Vec<String>,
    /// Its sections, in order.
    pub sections: Vec<Section>,
    /// Who made it, at its foot.
    pub foot: String,
}

/// A figure to see first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tile {
    /// What it is.
    pub label: String,
    /// The figure.
    pub value: String,
    /// Its conditions.
    pub note: String,
}

/// A section.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Section {
    /// Its title.
    pub title: String,
    /// Paragraphs.
    pub text: Vec<String>,
    /// Charts.
    pub figures: Vec<Figure>,
    /// Tables.
    pub tables: Vec<Table>,
    /// A list of terms and what they are.
    pub facts: Vec<Fact>,
}

/// A term and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// The term.
    pub name: String,
    /// What it is.
    pub value: String,
}

impl Fact {
    /// A term and what it is.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// A table. The first cell of a row says what the row is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// Its columns.
    pub head: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Vec<String>>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether it holds numbers, which are aligned right.
    pub numeric: bool,
}

impl Column {
    /// Columns by their names; those of words begin with `<`.
    pub fn list(names: &[&str]) -> Vec<Self> {
        let column = |name: &&str| Self { name: name.trim_start_matches('<').into(), numeric: !name.starts_with('<') };
        names.iter().map(column).collect()
    }
}

/// A page could not be written as HTML.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written as HTML: {0}")]
pub struct RenderError(Box<dyn std::error::Error + Send + Sync>);

/// The charts' library: Apache ECharts, as its authors published it. Its licence lies beside it.
const LIBRARY: &str = include_str!("../assets/echarts/echarts.common.min.js");
const CHARTS: &str = include_str!("../assets/charts.js");
const TEMPLATE: &str = include_str!("../assets/page.html");
const STYLE: &str = include_str!("../assets/page.css");
const SCRIPT: &str = include_str!("../assets/page.js");

impl Page {
    /// The page as one HTML file.
    ///
    /// # Errors
    /// [`RenderError`] when a value cannot be written.
    pub fn to_html(&self) -> Result<String, RenderError> {
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| RenderError(error);
        let mut environment = Environment::new();
        // the name's ending turns escaping on
        environment.add_template("page.html", TEMPLATE).map_err(|e| failed(e.into()))?;
        let template = environment.get_template("page.html").map_err(|e| failed(e.into()))?;
        let data = embedded(&serde_json::to_string(self).map_err(|e| failed(e.into()))?);
        let safe = |text: &str| Value::from_safe_string(text.to_owned());
        template
            .render(context! {
                page => Value::from(Serde(self)),
                style => safe(STYLE),
                library => safe(LIBRARY),
                charts => safe(CHARTS),
                script => safe(SCRIPT),
                data => safe(&data),
            })
            .map_err(|e| failed(e.into()))
    }
}

/// JSON that means the same and holds nothing that could end the element it stands in, or that scripts read otherwise.
fn embedded(json: &str) -> String {
    // outside of strings JSON has none of these
    json.replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Axis, AxisFormat, Chart, Curve, Curves, Point};

    const HOSTILE: &str = "</script><script>alert(1)</script><!-- & \u{2028} ' \" -->";

    fn hostile() -> Page {
        let axis = |name: &str| Axis { name: name.into(), log: false, format: AxisFormat::Plain };
        let point = Point { x: 1.0, y: 2.0, label: HOSTILE.into(), front: true };
        let chart = Chart::Curves(Curves {
            x: axis("x"),
            y: axis(HOSTILE),
            series: vec![Curve { name: HOSTILE.into(), points: vec![point] }],
            front: Vec::new(),
            reference: None,
        });
        let figure = Figure { title: HOSTILE.into(), caption: HOSTILE.into(), chart };
        let table = Table { caption: HOSTILE.into(), head: Column::list(&[HOSTILE]), rows: vec![vec![HOSTILE.into()]] };
        Page {
            title: HOSTILE.into(),
            lead: HOSTILE.into(),
            tiles: vec![Tile { label: HOSTILE.into(), value: HOSTILE.into(), note: HOSTILE.into() }],
            series: vec![HOSTILE.into()],
            sections: vec![Section {
                title: HOSTILE.into(),
                text: vec![HOSTILE.into()],
                figures: vec![figure],
                tables: vec![table],
                facts: vec![Fact::new(HOSTILE, HOSTILE)],
            }],
            foot: HOSTILE.into(),
        }
    }

    #[test]
    fn names_stay_text_wherever_they_stand() {
        let html = hostile().to_html().unwrap();
        assert!(!html.contains("alert(1)</script>") && !html.contains("<!-- &"));
        assert!(html.contains("&lt;&#x2f;script&gt;") && html.contains(r"\u003c/script\u003e"));
        // our own: library, data, charts, script
        assert_eq!(html.matches("</script>").count(), 4);
    }

    #[test]
    fn embedded_data_mean_what_they_meant() {
        let page = hostile();
        let html = page.to_html().unwrap();
        let data = html.split_once("id=\"data\">").unwrap().1.split_once("</script>").unwrap().0;
        let read: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!(read, serde_json::to_value(&page).unwrap());
        assert_eq!(read["title"], HOSTILE);
    }

    /// Nothing is fetched, from anywhere.
    #[test]
    fn the_page_stands_alone() {
        let html = Page::default().to_html().unwrap();
        for wanted in ["<script src", "<link", "@import", "url(", "<img"] {
            assert!(!html.replace(LIBRARY, "").contains(wanted), "{wanted}");
        }
        assert!(html.contains("default-src 'none'"));
    }
}
