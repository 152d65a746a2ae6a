//! Aligned plain-text tables and numbers for people.

pub use crate::format::percent;
pub(crate) use crate::format::thousands;

/// A table: the first column aligned left, the others as asked.
pub struct Table {
    left: Vec<bool>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with this head. Columns whose head starts with `<` are aligned left, the others right.
    pub fn new(head: &[&str]) -> Self {
        let left = head.iter().map(|name| name.starts_with('<')).collect();
        Self { left, rows: vec![head.iter().map(|name| name.trim_start_matches('<').to_owned()).collect()] }
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as text, each line ended by a newline.
    pub fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.left.len())
            .map(|column| self.rows.iter().filter_map(|row| row.get(column)).map(|c| c.chars().count()).max())
            .map(Option::unwrap_or_default)
            .collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, &width), &left) in row.iter().zip(&widths).zip(&self.left) {
                if !line.is_empty() {
                    line.push_str("  ");
                }
                let padding = " ".repeat(width - cell.chars().count());
                if left {
                    line.push_str(cell);
                    line.push_str(&padding);
                } else {
                    line.push_str(&padding);
                    line.push_str(cell);
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// What stands for a figure that there is not, e.g. an accuracy without labels.
pub(crate) const NONE: &str = "-";

/// A share in percent, if there is one.
pub fn percent_if(share: Option<f64>) -> String {
    share.map_or_else(|| NONE.to_owned(), percent)
}

/// A difference of shares in points, signed, if there is one.
pub fn points_if(difference: Option<f64>) -> String {
    // a difference below half of what is shown would print as -0.00
    let shown = |d: f64| if (100.0 * d).abs() < 0.005 { 0.0 } else { 100.0 * d };
    difference.map_or_else(|| NONE.to_owned(), |d| format!("{:+.2}", shown(d)))
}

/// A quantity with a metric prefix, three figures or so: `40.6 M`, `1.87 u`.
pub(crate) fn metric(value: f64) -> String {
    const PREFIXES: [(f64, &str); 9] = [
        (1e12, "T"),
        (1e9, "G"),
        (1e6, "M"),
        (1e3, "k"),
        (1.0, ""),
        (1e-3, "m"),
        (1e-6, "u"),
        (1e-9, "n"),
        (1e-12, "p"),
    ];
    if value == 0.0 || !value.is_finite() {
        return format!("{value} ");
    }
    let size = value.abs();
    let (unit, prefix) = PREFIXES.iter().find(|(unit, _)| size >= 0.9995 * unit).unwrap_or(&PREFIXES[8]);
    let scaled = value / unit;
    let digits = if scaled.abs() >= 99.95 {
        0
    } else if scaled.abs() >= 9.995 {
        1
    } else {
        2
    };
    format!("{scaled:.digits$} {prefix}")
}

/// A number with about four figures.
pub(crate) fn figures(value: f32) -> String {
    let size = value.abs();
    if size == 0.0 {
        "0".into()
    } else if (1e-3..1e4).contains(&size) {
        let digits = (3 - size.log10().floor() as i32).clamp(0, 6) as usize;
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

/// A shape: `3x32x32`.
pub(crate) fn shape(extents: &[usize]) -> String {
    extents.iter().map(ToString::to_string).collect::<Vec<_>>().join("x")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_align() {
        let mut table = Table::new(&["<name", "n"]);
        table.row(["a".into(), "10".into()]);
        table.row(["long name".into(), "1".into()]);
        assert_eq!(table.render(), "name        n\na          10\nlong name   1\n");
    }

    #[test]
    fn numbers_for_people() {
        assert_eq!(metric(40_551_040.0), "40.6 M");
        assert_eq!(metric(999_999.0), "1.00 M");
        assert_eq!(metric(1.87e-6), "1.87 u");
        assert_eq!(metric(0.0), "0 ");
        assert_eq!(figures(0.123_456), "0.1235");
        assert_eq!(figures(12.5), "12.50");
        assert_eq!(shape(&[3, 32, 32]), "3x32x32");
    }
}
