use ndarray::{Array2, s};

/// The factor `L` of a symmetric positive definite matrix `L Lᵀ`.
pub(super) struct Cholesky(Array2<f64>);

impl Cholesky {
    /// Factorises a matrix, of which the lower half is read; `None` when it is not positive definite.
    pub(super) fn new(mut matrix: Array2<f64>) -> Option<Self> {
        for row in 0..matrix.nrows() {
            for column in 0..=row {
                let (a, b) = (matrix.slice(s![row, ..column]), matrix.slice(s![column, ..column]));
                let rest = matrix[[row, column]] - a.dot(&b);
                matrix[[row, column]] = if column < row {
                    rest / matrix[[column, column]]
                } else if rest > 0.0 && rest.is_finite() {
                    rest.sqrt()
                } else {
                    return None;
                };
            }
        }
        Some(Self(matrix))
    }

    /// For each row `b` of `right`, the `x` of `L Lᵀ x = b`.
    pub(super) fn solve(&self, mut right: Array2<f64>) -> Array2<f64> {
        let Self(factor) = self;
        for mut row in right.rows_mut() {
            for k in 0..factor.nrows() {
                let known = factor.slice(s![k, ..k]).dot(&row.slice(s![..k]));
                row[k] = (row[k] - known) / factor[[k, k]];
            }
            for k in (0..factor.nrows()).rev() {
                row[k] /= factor[[k, k]];
                let x = row[k];
                row.slice_mut(s![..k]).scaled_add(-x, &factor.slice(s![k, ..k]));
            }
        }
        right
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;

    #[test]
    fn solves() {
        let matrix = array![[4.0, 2.0, 0.4], [2.0, 5.0, 1.0], [0.4, 1.0, 3.0]];
        let wanted = array![[1.0, -2.0, 3.0], [0.5, 0.0, -1.0]];
        let found = Cholesky::new(matrix.clone()).unwrap().solve(wanted.dot(&matrix));
        assert!((found - wanted).iter().all(|x| x.abs() < 1e-12));
        assert!(Cholesky::new(array![[1.0, 2.0], [2.0, 1.0]]).is_none());
    }
}
