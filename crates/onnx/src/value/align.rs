use super::data::across_samples;
use crate::problem::Problem;

/// Shape of one operand of a broadcasting operation.
#[derive(Debug, Clone)]
pub(crate) struct Operand {
    /// Shape per sample.
    pub(crate) shape: Vec<usize>,
    /// Batch axis of the file's tensor.
    pub(crate) batch: Option<usize>,
}

impl Operand {
    fn rank(&self) -> usize {
        self.shape.len() + usize::from(self.batch.is_some())
    }
}

/// The operands' shapes such that they broadcast sample by sample, and the result's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aligned {
    /// For each operand its shape per sample; only axes of extent 1 were taken away.
    pub(crate) operands: Vec<Vec<usize>>,
    /// The result's shape per sample.
    pub(crate) shape: Vec<usize>,
    /// The result's batch axis.
    pub(crate) batch: Option<usize>,
}

/// Brings operands of the file (broadcast with the batch axis in place) to samples (without it).
pub(crate) fn align(operands: &[Operand]) -> Result<Aligned, Problem> {
    let rank = operands.iter().map(Operand::rank).max().unwrap_or(0);
    // Axes are counted from the right, as broadcasting does.
    let mut batch = None;
    for operand in operands {
        let own = operand.batch.map(|axis| operand.rank() - 1 - axis);
        match (batch, own) {
            (Some(a), Some(b)) if a != b => {
                return Err(across_samples("combines operands whose batch axes do not line up"));
            }
            _ => batch = batch.or(own),
        }
    }
    let mut shapes = Vec::with_capacity(operands.len());
    for operand in operands {
        let mut shape = operand.shape.clone();
        if let (Some(batch), None) = (batch, operand.batch)
            && shape.len() > batch
            && shape.remove(shape.len() - 1 - batch) != 1
        {
            return Err(across_samples("has an operand that differs from sample to sample of a fixed batch"));
        }
        shapes.push(shape);
    }
    let shape = broadcast(shapes.iter().map(Vec::as_slice))?;
    let mut shape_full = shape;
    // Leading axes of extent 1 that only the batch axis's removal hid keep the rank right.
    let own_rank = rank - usize::from(batch.is_some());
    while shape_full.len() < own_rank {
        shape_full.insert(0, 1);
    }
    Ok(Aligned { operands: shapes, shape: shape_full, batch: batch.map(|axis| rank - 1 - axis) })
}

/// The shape that several shapes broadcast to.
pub(crate) fn broadcast<'a>(shapes: impl Iterator<Item = &'a [usize]>) -> Result<Vec<usize>, Problem> {
    let mut result: Vec<usize> = Vec::new();
    for shape in shapes {
        if shape.len() > result.len() {
            let missing = shape.len() - result.len();
            result.splice(0..0, std::iter::repeat_n(1, missing));
        }
        let lead = result.len() - shape.len();
        for (axis, &extent) in shape.iter().enumerate() {
            let known = &mut result[lead + axis];
            if *known == 1 {
                *known = extent;
            } else if extent != 1 && extent != *known {
                return Err(Problem::Invalid(format!("shape {shape:?} does not broadcast with {result:?}")));
            }
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn operand(shape: &[usize], batch: Option<usize>) -> Operand {
        Operand { shape: shape.to_vec(), batch }
    }

    #[test]
    fn a_constant_loses_its_batch_axis() {
        let aligned = align(&[operand(&[4, 2, 2], Some(0)), operand(&[1, 4, 1, 1], None)]).unwrap();
        assert_eq!(aligned.operands, [vec![4, 2, 2], vec![4, 1, 1]]);
        assert_eq!((aligned.shape, aligned.batch), (vec![4, 2, 2], Some(0)));
        let aligned = align(&[operand(&[4], Some(0)), operand(&[2, 1, 4], None)]).unwrap();
        assert_eq!((aligned.shape, aligned.batch), (vec![2, 4], Some(1)));
    }

    #[test]
    fn samples_do_not_mix() {
        assert!(align(&[operand(&[4], Some(0)), operand(&[3, 4], None)]).is_err());
        assert!(align(&[operand(&[4], Some(0)), operand(&[], Some(0))]).is_err());
    }
}
