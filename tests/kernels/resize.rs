use crate::support::*;
use octomask::kernels::{ResizeBilinear, ResizeNearest, ResizeSpec};
use octomask::ops::{self, Op};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

#[test]
fn up_down_and_by_odd_factors() {
    let mut seed = 0;
    for (align_corners, half_pixel_centers, fixed_point) in
        [(false, false, false), (true, false, false), (false, true, false), (false, true, true)]
    {
        for [h, w] in [[1, 1], [2, 3], [5, 4], [8, 8]] {
            for [oh, ow] in [[1, 1], [2, 2], [4, 6], [10, 8], [16, 16], [3, 13]] {
                for c in [1, 2, 3, 4, 5, 8, 11] {
                    seed += 1;
                    let mut random = Random(seed);
                    let attributes =
                        ops::ResizeBilinear { align_corners, half_pixel_centers, fixed_point };
                    let n = random.pick(&[1, 2]);
                    let input = random.tensor(&[n, h, w, c]);
                    let size = integers(&[oh as i32, ow as i32]);
                    let spec = ResizeSpec { input: [n, h, w, c], output: [oh, ow], attributes };
                    let kernel = ResizeBilinear::new(spec);
                    compare(&kernel, &Op::ResizeBilinear(attributes), &[&input, &size], 1, seed);
                }
            }
        }
    }
}

#[test]
fn nearest() {
    let mut seed = 0;
    for flags in 0..4 {
        let (align_corners, half_pixel_centers) = (flags & 1 == 1, flags & 2 == 2);
        let op = ops::ResizeNearest { align_corners, half_pixel_centers };
        for [h, w] in [[1, 1], [2, 3], [8, 5]] {
            for [oh, ow] in [[1, 1], [4, 6], [16, 16], [3, 13]] {
                for c in [1, 3, 4, 11] {
                    seed += 1;
                    let input = Random(seed).tensor(&[2, h, w, c]);
                    let size = integers(&[oh as i32, ow as i32]);
                    let kernel = ResizeNearest::new(op, [2, h, w, c], [oh, ow]);
                    compare(&kernel, &Op::ResizeNearest(op), &[&input, &size], 1, seed);
                }
            }
        }
    }
}
