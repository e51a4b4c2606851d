//! How far two masks of the same picture agree, whatever their sizes.

use crate::segment::mask::Scores;

/// What a model says of each pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Map {
    /// `[height, width]`.
    pub size: [usize; 2],
    /// What the numbers are.
    pub scores: Scores,
    /// `[height][width][channels]`.
    pub numbers: Vec<f32>,
}

/// How far two masks agree.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Intersection over union: of the person, or the mean over all classes that either mask has.
    /// `None` where neither has a person.
    pub iou: Option<f64>,
    /// Share of the pixels that both give the same class.
    pub same: f64,
}

impl Map {
    /// The class of each pixel of a picture `[height, width]`, at least as large as the map, over
    /// which the map is stretched: bilinear, pixels being areas, as PIL and canvases do it. A
    /// probability makes class 1 from one half on; of several scores the highest wins, of classes
    /// the one that covers most.
    pub fn classes(&self, to: [usize; 2]) -> Vec<u16> {
        let [height, width] = self.size;
        let rows: Vec<Place> = places(height, to[0]);
        let columns: Vec<Place> = places(width, to[1]);
        let channels = self.numbers.len().checked_div(height * width).unwrap_or(0);
        let at = |y: usize, x: usize| &self.numbers[(y * width + x) * channels..][..channels];
        let mut classes = Vec::with_capacity(to[0] * to[1]);
        for row in &rows {
            for column in &columns {
                let corners = [
                    at(row.first, column.first),
                    at(row.first, column.second),
                    at(row.second, column.first),
                    at(row.second, column.second),
                ];
                let (down, right) = (row.weight, column.weight);
                let weights = [
                    (1.0 - down) * (1.0 - right),
                    (1.0 - down) * right,
                    down * (1.0 - right),
                    down * right,
                ];
                classes.push(match self.scores {
                    Scores::Classes => heaviest(corners.map(|c| c[0]), weights),
                    Scores::Probability => u16::from(mean(corners, weights, 0) >= 0.5),
                    Scores::Probabilities(n) | Scores::Logits(n) => highest(corners, weights, n),
                });
            }
        }
        classes
    }

    /// Whether there are more classes than person and background in one number.
    pub fn has_classes(&self) -> bool {
        self.scores != Scores::Probability
    }
}

/// Between which two rows or columns of a map a pixel lies.
struct Place {
    first: usize,
    second: usize,
    /// Of the second, 0 to 1.
    weight: f32,
}

fn places(from: usize, to: usize) -> Vec<Place> {
    let last = from.saturating_sub(1);
    let place = |i: usize| {
        let at = (i as f64 + 0.5) * from as f64 / to as f64 - 0.5;
        let at = at.clamp(0.0, last as f64);
        let first = at as usize;
        Place { first, second: last.min(first + 1), weight: (at - first as f64) as f32 }
    };
    (0..to).map(place).collect()
}

fn mean(corners: [&[f32]; 4], weights: [f32; 4], channel: usize) -> f32 {
    corners.iter().zip(weights).map(|(corner, weight)| corner[channel] * weight).sum()
}

/// The channel of the highest score; the first of equal ones.
fn highest(corners: [&[f32]; 4], weights: [f32; 4], channels: usize) -> u16 {
    let mut best = (0, mean(corners, weights, 0));
    for channel in 1..channels {
        let score = mean(corners, weights, channel);
        if score > best.1 {
            best = (channel, score);
        }
    }
    class(best.0 as f32)
}

/// The class with the most weight; the first of equal ones.
fn heaviest(classes: [f32; 4], weights: [f32; 4]) -> u16 {
    let weight_of = |class: f32| -> f32 {
        classes.iter().zip(weights).filter(|(c, _)| **c == class).map(|(_, weight)| weight).sum()
    };
    let mut best = (classes[0], weight_of(classes[0]));
    for other in classes {
        let weight = weight_of(other);
        if weight > best.1 {
            best = (other, weight);
        }
    }
    class(best.0)
}

/// `as` saturates: no model has so many classes.
fn class(number: f32) -> u16 {
    number as u16
}

/// Compares two masks of the same size. `several`: whether background counts as a class too.
pub fn compare(a: &[u16], b: &[u16], several: bool) -> Agreement {
    // Of each class: pixels in the one, in the other, in both.
    let classes = a.iter().chain(b).max().map_or(0, |&most| usize::from(most) + 1);
    let mut counts = vec![[0u64; 3]; classes];
    for (&a, &b) in a.iter().zip(b) {
        counts[usize::from(a)][0] += 1;
        counts[usize::from(b)][1] += 1;
        if a == b {
            counts[usize::from(a)][2] += 1;
        }
    }
    let both: u64 = counts.iter().map(|[_, _, both]| both).sum();
    let background = usize::from(!several);
    let ious: Vec<f64> = counts
        .iter()
        .skip(background)
        .filter(|[a, b, _]| a + b > 0)
        .map(|[a, b, both]| *both as f64 / (a + b - both) as f64)
        .collect();
    Agreement {
        iou: (!ious.is_empty()).then(|| ious.iter().sum::<f64>() / ious.len() as f64),
        same: both as f64 / a.len().max(1) as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_of_known_overlap() {
        let (a, b) = ([0, 1, 1, 0, 1, 0, 0, 0], [0, 0, 1, 1, 1, 0, 0, 0]);
        let agreement = compare(&a, &b, false);
        assert_eq!((agreement.iou, agreement.same), (Some(0.5), 0.75));
        // With the background: 4 of 6 in common.
        assert_eq!(compare(&a, &b, true).iou, Some((0.5 + 4.0 / 6.0) / 2.0));
        assert_eq!(compare(&[0, 0], &[0, 0], false), Agreement { iou: None, same: 1.0 });
        // A class that only one of them has agrees nowhere.
        assert_eq!(compare(&[0, 0], &[0, 5], true).iou, Some(0.25));
    }

    #[test]
    fn probabilities_are_cut_at_one_half() {
        let map = Map { size: [1, 2], scores: Scores::Probability, numbers: vec![0.0, 1.0] };
        // From 0 to 1 in steps of a quarter between the two centres.
        assert_eq!(map.classes([1, 8]), [0, 0, 0, 0, 1, 1, 1, 1]);
        let flat = Map { numbers: vec![0.5, 0.499], ..map.clone() };
        assert_eq!(flat.classes([1, 2]), [1, 0]);
        let none = Map { numbers: vec![f32::NAN; 2], ..map };
        assert_eq!(none.classes([1, 2]), [0, 0]);
    }

    #[test]
    fn the_highest_score_wins_and_of_classes_the_largest_part() {
        let numbers = vec![1.0, 0.0, 0.0, 0.0, 0.0, 3.0];
        let map = Map { size: [1, 2], scores: Scores::Logits(3), numbers };
        // Halfway, class 2 leads by far; a quarter of the way they are as good.
        assert_eq!(map.classes([1, 4]), [0, 0, 2, 2]);
        assert_eq!(map.classes([1, 16])[..7], [0, 0, 0, 0, 0, 0, 2]);
        let map = Map { size: [2, 2], scores: Scores::Classes, numbers: vec![7.0, 2.0, 2.0, 9.0] };
        assert_eq!(map.classes([2, 2]), [7, 2, 2, 9]);
        let large = map.classes([16, 16]);
        assert_eq!((large[0], large[15], large[16 * 7 + 8], large[255]), (7, 2, 2, 9));
    }
}
