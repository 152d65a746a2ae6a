//! C text under construction.

use std::collections::HashSet;
use std::fmt::Write as _;

use crate::bounds::Range;

/// A C integer type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Int {
    U8,
    I8,
    I16,
    I32,
    I64,
}

impl Int {
    const ALL: [Self; 5] = [Self::U8, Self::I8, Self::I16, Self::I32, Self::I64];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::U8 => "uint8_t",
            Self::I8 => "int8_t",
            Self::I16 => "int16_t",
            Self::I32 => "int32_t",
            Self::I64 => "int64_t",
        }
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::U8 | Self::I8 => 1,
            Self::I16 => 2,
            Self::I32 => 4,
            Self::I64 => 8,
        }
    }

    /// Smallest and largest value; the smallest of the signed types is left out, so that negation is safe.
    fn range(self) -> (i128, i128) {
        let largest = if self == Self::U8 { 255 } else { (1 << (8 * self.bytes() - 1)) - 1 };
        (if self == Self::U8 { 0 } else { -largest }, largest)
    }

    /// The smallest type for values of this range.
    pub(super) fn holding(range: Range) -> Option<Self> {
        let fits = |int: &Self| int.range().0 <= range.low && range.high <= int.range().1;
        Self::ALL.into_iter().find(fits)
    }

    /// The type to compute values of this magnitude in: 32 or 64 bits.
    pub(super) fn computing(magnitude: i128) -> Option<Self> {
        Self::holding(Range::new(-magnitude, magnitude)).map(|int| int.max(Self::I32))
    }
}

/// C text with its indentation.
#[derive(Debug, Default)]
pub(super) struct Code {
    pub(super) text: String,
    depth: usize,
}

impl Code {
    pub(super) fn line(&mut self, line: &str) {
        if !line.is_empty() {
            self.text.extend(std::iter::repeat_n("    ", self.depth));
        }
        self.text.push_str(line);
        self.text.push('\n');
    }

    /// A line that opens a block.
    pub(super) fn open(&mut self, line: &str) {
        self.line(&format!("{line} {{"));
        self.depth += 1;
    }

    pub(super) fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }

    /// Closes a block and opens its alternative.
    pub(super) fn otherwise(&mut self, line: &str) {
        self.depth = self.depth.saturating_sub(1);
        self.open(&format!("}} {line}"));
    }

    /// `for (int32_t v = 0; v < n; v++) {`
    pub(super) fn count(&mut self, variable: &str, n: usize) {
        self.open(&format!("for (int32_t {variable} = 0; {variable} < {n}; {variable}++)"));
    }

    /// Nested loops over a shape; gives their variables.
    pub(super) fn walk(&mut self, shape: &[usize]) -> Vec<String> {
        let variables: Vec<String> = (0..shape.len()).map(|axis| format!("i{axis}")).collect();
        for (variable, &extent) in variables.iter().zip(shape) {
            self.count(variable, extent);
        }
        variables
    }

    pub(super) fn close_all(&mut self, blocks: usize) {
        (0..blocks).for_each(|_| self.close());
    }
}

/// Constant arrays, each defined once.
#[derive(Debug, Default)]
pub(super) struct Arrays {
    pub(super) text: String,
    names: HashSet<String>,
    bytes: usize,
}

impl Arrays {
    /// Defines a constant array, unless it is there.
    pub(super) fn array(&mut self, int: Int, name: &str, values: impl ExactSizeIterator<Item = i64>) {
        if !self.names.insert(name.to_owned()) {
            return;
        }
        self.bytes += int.bytes() * values.len();
        let _ = write!(self.text, "static const {} {name}[{}] = {{", int.name(), values.len());
        let mut column = usize::MAX;
        for value in values {
            if column > 110 {
                self.text.push_str("\n   ");
                column = 3;
            }
            let before = self.text.len();
            let _ = write!(self.text, " {value},");
            column += self.text.len() - before;
        }
        self.text.push_str("\n};\n");
    }

    /// Bytes of all arrays.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// `Σ stride·variable`, without terms that are 0.
pub(super) fn position(terms: &[(usize, String)]) -> String {
    let terms: Vec<String> = terms
        .iter()
        .filter(|(stride, _)| *stride > 0)
        .map(|(stride, variable)| if *stride == 1 { variable.clone() } else { format!("{stride} * {variable}") })
        .collect();
    if terms.is_empty() { "0".into() } else { terms.join(" + ") }
}

/// Distances of neighbours along each axis, row-major.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

/// Distances of neighbours along the axes of `target` for a value of `shape` that is broadcast to it: 0 where it repeats.
pub(super) fn broadcast_strides(shape: &[usize], target: &[usize]) -> Vec<usize> {
    let own = strides(shape);
    let lead = target.len() - shape.len();
    let of = |axis: usize| if shape[axis] == 1 { 0 } else { own[axis] };
    (0..target.len()).map(|axis| axis.checked_sub(lead).map_or(0, of)).collect()
}
