use serde::{Deserialize, Serialize};

use crate::volume;

/// Concatenation along an axis of the sample.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concat {
    /// The axis.
    pub axis: usize,
}

impl Concat {
    /// Shape of the result.
    ///
    /// # Errors
    /// When the other axes differ.
    pub fn output_shape(&self, inputs: &[&[usize]]) -> Result<Vec<usize>, String> {
        let Some((first, rest)) = inputs.split_first() else {
            return Err("has no inputs".into());
        };
        if self.axis >= first.len() {
            return Err(format!("axis {} of an input of shape {first:?} a sample", self.axis));
        }
        let mut shape = first.to_vec();
        for other in rest {
            let fits = other.len() == first.len()
                && (0..first.len()).all(|axis| axis == self.axis || other[axis] == first[axis]);
            if !fits {
                return Err(format!("shapes {inputs:?} differ off axis {}", self.axis));
            }
            shape[self.axis] = shape[self.axis].checked_add(other[self.axis]).ok_or("its extent overflows")?;
        }
        Ok(shape)
    }
}

/// The same elements under another shape (flatten, squeeze and unsqueeze included).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reshape {
    /// The new shape, per sample.
    pub shape: Vec<usize>,
}

impl Reshape {
    /// Shape of the result.
    ///
    /// # Errors
    /// When the volumes differ.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let wanted = self.shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d));
        if wanted != Some(volume(input)) {
            return Err(format!("cannot give {input:?} the shape {:?}", self.shape));
        }
        Ok(self.shape.clone())
    }
}

/// Axes rearranged: axis `i` of the result is axis `perm[i]` of the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transpose {
    /// The permutation of the sample's axes.
    pub perm: Vec<usize>,
}

impl Transpose {
    /// Shape of the result.
    ///
    /// # Errors
    /// When `perm` is no permutation of the input's axes.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        let mut sorted = self.perm.clone();
        sorted.sort_unstable();
        if !sorted.iter().copied().eq(0..input.len()) {
            return Err(format!("{:?} does not permute the axes of {input:?}", self.perm));
        }
        Ok(self.perm.iter().map(|&axis| input[axis]).collect())
    }
}

/// Index selection along each axis: `y[o_0, o_1, …] = x[maps[0][o_0], maps[1][o_1], …]`. A slice, a gather with constant
/// indices and a nearest-neighbour resize are all of this form.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Select {
    /// For each axis the input index that each result index reads; `None` keeps the axis as it is.
    pub maps: Vec<Option<Vec<usize>>>,
}

impl Select {
    /// Shape of the result.
    ///
    /// # Errors
    /// When an index lies outside the input.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.maps.len() != input.len() {
            return Err(format!("selects on {} axes of an input of shape {input:?}", self.maps.len()));
        }
        self.maps
            .iter()
            .zip(input)
            .map(|(map, &extent)| match map {
                None => Ok(extent),
                Some(map) => match map.iter().find(|&&i| i >= extent) {
                    Some(i) => Err(format!("index {i} on an axis of extent {extent}")),
                    None => Ok(map.len()),
                },
            })
            .collect()
    }
}

/// Padding with a constant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pad {
    /// Elements before each axis of the sample.
    pub before: Vec<usize>,
    /// Elements after each axis.
    pub after: Vec<usize>,
    /// What they hold.
    #[serde(with = "super::extended")]
    pub value: f32,
}

impl Pad {
    /// Shape of the result.
    ///
    /// # Errors
    /// When the number of axes differs.
    pub fn output_shape(&self, input: &[usize]) -> Result<Vec<usize>, String> {
        if self.before.len() != input.len() || self.after.len() != input.len() {
            return Err(format!("pads {} axes of an input of shape {input:?}", self.before.len()));
        }
        input
            .iter()
            .zip(self.before.iter().zip(&self.after))
            .map(|(&n, (&b, &a))| {
                n.checked_add(b).and_then(|n| n.checked_add(a)).ok_or_else(|| "padding overflows".into())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn concat_adds_one_axis() {
        assert_eq!(Concat { axis: 0 }.output_shape(&[&[2, 3], &[4, 3]]).unwrap(), [6, 3]);
        assert!(Concat { axis: 0 }.output_shape(&[&[2, 3], &[4, 4]]).is_err());
    }

    #[test]
    fn select_checks_its_indices() {
        let select = Select { maps: vec![None, Some(vec![2, 0])] };
        assert_eq!(select.output_shape(&[4, 3]).unwrap(), [4, 2]);
        assert!(select.output_shape(&[4, 2]).is_err());
    }
}
