//! Walking over a tensor while reading another one whose position is a sum of one term an axis.

/// For each axis of what is walked, for each index on it, the offset it adds to the position in the other tensor.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    outer: Vec<Vec<usize>>,
    inner: Vec<usize>,
}

impl Walk {
    /// A walk over a tensor with one table an axis.
    pub(super) fn new(mut tables: Vec<Vec<usize>>) -> Self {
        let inner = tables.pop().unwrap_or_else(|| vec![0]);
        Self { outer: tables, inner }
    }

    /// A walk over `target` that reads a tensor of shape `shape` broadcast to it.
    pub(crate) fn broadcast(shape: &[usize], target: &[usize]) -> Self {
        let strides = strides(shape);
        let lead = target.len() - shape.len();
        let tables = target.iter().enumerate().map(|(axis, &extent)| {
            let stride = match axis.checked_sub(lead) {
                Some(own) if shape[own] != 1 => strides[own],
                _ => 0,
            };
            (0..extent).map(|i| i * stride).collect()
        });
        Self::new(tables.collect())
    }

    /// A walk over `shape` that visits the tensor in which `axes` are reduced away.
    pub(super) fn reduced(axes: &[usize], shape: &[usize]) -> Self {
        let mut stride = 1;
        let mut tables = vec![Vec::new(); shape.len()];
        for (axis, &extent) in shape.iter().enumerate().rev() {
            if axes.contains(&axis) {
                tables[axis] = vec![0; extent];
            } else {
                tables[axis] = (0..extent).map(|i| i * stride).collect();
                stride *= extent;
            }
        }
        Self::new(tables)
    }

    /// Calls `row` for each row (last axis) in order with the row's base; element `i` of the row stands at
    /// `base + inner()[i]` in the other tensor.
    pub(super) fn rows(&self, mut row: impl FnMut(usize)) {
        let mut index = vec![0; self.outer.len()];
        loop {
            row(self.outer.iter().zip(&index).map(|(table, &i)| table[i]).sum());
            let Some(axis) = (0..index.len()).rev().find(|&axis| index[axis] + 1 < self.outer[axis].len()) else {
                return;
            };
            index[axis] += 1;
            index[axis + 1..].fill(0);
        }
    }

    /// Offsets along the last axis.
    pub(super) fn inner(&self) -> &[usize] {
        &self.inner
    }

    /// The start of the inner run, if the last axis is read without gaps.
    pub(super) fn contiguous(&self) -> Option<usize> {
        let first = self.inner[0];
        self.inner.iter().enumerate().all(|(i, &offset)| offset == first + i).then_some(first)
    }

    /// Positions of all elements, in order.
    pub(crate) fn positions(&self) -> Vec<usize> {
        let mut positions = Vec::new();
        self.rows(|base| positions.extend(self.inner.iter().map(|offset| base + offset)));
        positions
    }
}

/// Row-major strides of a shape.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for axis in (1..shape.len()).rev() {
        strides[axis - 1] = strides[axis] * shape[axis];
    }
    strides
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broadcast_repeats_axes_of_extent_one() {
        assert_eq!(Walk::broadcast(&[2, 1], &[2, 2, 2]).positions(), [0, 0, 1, 1, 0, 0, 1, 1]);
        assert_eq!(Walk::broadcast(&[], &[2]).positions(), [0, 0]);
        assert_eq!(Walk::broadcast(&[], &[]).positions(), [0]);
    }

    #[test]
    fn reduced_axes_do_not_move() {
        assert_eq!(Walk::reduced(&[1], &[2, 3]).positions(), [0, 0, 0, 1, 1, 1]);
        assert_eq!(Walk::reduced(&[0], &[2, 3]).positions(), [0, 1, 2, 0, 1, 2]);
    }
}
