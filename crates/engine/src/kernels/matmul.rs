//! Matrix product. The only place that calls the `gemm` crate, whose interface is unsafe.
#![allow(unsafe_code)] // `gemm` takes raw pointers; the lengths are checked here, once.

/// A view of a matrix in a slice: element `(r, c)` is `data[r · row + c · col]`.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    data: &'a [f32],
    rows: usize,
    cols: usize,
    row: usize,
    col: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix in row-major order, whose rows begin `stride` elements apart.
    pub(super) fn rows(data: &'a [f32], rows: usize, cols: usize, stride: usize) -> Self {
        assert!(fits(data.len(), rows, cols, stride), "a matrix must lie within its slice");
        Self { data, rows, cols, row: stride, col: 1 }
    }

    /// The transposed matrix.
    pub(super) fn transposed(self) -> Self {
        Self { rows: self.cols, cols: self.rows, row: self.col, col: self.row, ..self }
    }
}

/// `out = left · right`, or `out += left · right` if `add`; the rows of `out` begin `stride` elements apart.
pub(super) fn matmul(out: &mut [f32], stride: usize, left: Matrix<'_>, right: Matrix<'_>, add: bool) {
    let (m, k, n) = (left.rows, left.cols, right.cols);
    assert_eq!(k, right.rows, "the matrices must fit");
    assert!(fits(out.len(), m, n, stride) && stride >= n, "the product must lie within its slice");
    // SAFETY: `left` and `right` lie within their slices (checked when made: the last element of each is in bounds,
    // and transposing keeps the set of elements), `out` was checked just now, and being a mutable borrow it overlaps
    // neither. `stride >= n` keeps the elements of `out` distinct. `f32` has no invalid values.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride as isize,
            add,
            left.data.as_ptr(),
            left.col as isize,
            left.row as isize,
            right.data.as_ptr(),
            right.col as isize,
            right.row as isize,
            1.0f32,
            1.0f32,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

fn fits(len: usize, rows: usize, cols: usize, stride: usize) -> bool {
    if rows == 0 || cols == 0 {
        return true;
    }
    (rows - 1).checked_mul(stride).and_then(|n| n.checked_add(cols)).is_some_and(|n| n <= len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn product_by_hand() {
        let left = [1., 2., 3., 4.];
        let right = [5., 6., 0., 7., 8., 0.];
        let mut out = [0.0; 4];
        matmul(&mut out, 2, Matrix::rows(&left, 2, 2, 2), Matrix::rows(&right, 2, 2, 3), false);
        assert_eq!(out, [19., 22., 43., 50.]);
        matmul(&mut out, 2, Matrix::rows(&left, 2, 2, 2).transposed(), Matrix::rows(&right, 2, 2, 3), true);
        assert_eq!(out, [19. + 26., 22. + 30., 43. + 38., 50. + 44.]);
    }

    #[test]
    #[should_panic(expected = "within its slice")]
    fn a_view_beyond_the_slice_is_refused() {
        Matrix::rows(&[0.0; 5], 2, 3, 3);
    }
}
