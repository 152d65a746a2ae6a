/// How the numbers of an array are kept in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Numbers {
    /// 32-bit floating point.
    #[default]
    Single,
    /// 64-bit floating point.
    Double,
    /// 64-bit integers.
    Integer,
}

/// Numbers in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    data: Vec<f64>,
    numbers: Numbers,
}

impl Array {
    /// An array of the given shape; `None` when `data` does not fill it.
    pub fn new(shape: Vec<usize>, data: Vec<f64>, numbers: Numbers) -> Option<Self> {
        (volume(&shape) == Some(data.len())).then_some(Self { shape, data, numbers })
    }

    /// An array of 32-bit numbers; `None` when `data` does not fill the shape.
    pub fn single(shape: Vec<usize>, data: &[f32]) -> Option<Self> {
        Self::new(shape, data.iter().map(|&x| f64::from(x)).collect(), Numbers::Single)
    }

    /// An array of one repeated 32-bit number; empty where the shape's volume overflows.
    pub fn full(shape: Vec<usize>, value: f32) -> Self {
        let data = vec![f64::from(value); volume(&shape).unwrap_or(0)];
        Self { shape, data, numbers: Numbers::Single }
    }

    /// Extents, outermost first; none for a scalar.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The numbers.
    pub fn data(&self) -> &[f64] {
        &self.data
    }

    /// How a file keeps them.
    pub fn numbers(&self) -> Numbers {
        self.numbers
    }
}

/// Number of elements of a shape; `None` when it overflows.
pub(crate) fn volume(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d))
}
