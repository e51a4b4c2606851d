//! Frames in, masks out: resizing compared with PIL, and a whole model made by hand.

#[path = "common/hand_made.rs"]
mod hand_made;

use octomask::segment::{
    Frame, FrameInput, Normalization, PixelFormat, Segmenter, YuvColors, YuvMatrix,
};
use octomask::threads::Team;
use octomask::{Model, Options};

/// As in `segment/golden.py`.
fn picture(width: usize, height: usize) -> Vec<u8> {
    let mut rgba = Vec::with_capacity(width * height * 4);
    for y in 0..height {
        for x in 0..width {
            let green = if (x / 3 + y / 2) % 2 == 0 { 255 } else { 0 };
            let blue = (x * x * 7 + y * y * 13 + x * y * 5) % 251;
            rgba.extend([((x * 11 + y * 3) % 256) as u8, green, blue as u8, (x + y) as u8]);
        }
    }
    rgba
}

/// The picture of that size as RGBA.
fn load(input: &mut FrameInput, width: usize, height: usize, out: &mut [f32]) {
    let rgba = picture(width, height);
    input.load(&Frame::rgba(&rgba, width, height), out, &mut Team::new(1).unwrap()).unwrap();
}

#[test]
fn frames_are_resized_as_pil_does() {
    let goldens = include_str!("segment/pil_bilinear.txt");
    let mut cases = 0;
    for line in goldens.lines() {
        let (sizes, hex) = line.rsplit_once(' ').unwrap();
        let sizes: Vec<usize> = sizes.split(' ').map(|n| n.parse().unwrap()).collect();
        let [width, height, target_width, target_height] = sizes[..] else { panic!("{sizes:?}") };
        let mut input = FrameInput::new(target_height, target_width, Normalization::default());
        let mut out = vec![0.0; target_height * target_width * 3];
        // Twice: the second time the weights are those in place.
        for _ in 0..2 {
            load(&mut input, width, height, &mut out);
        }
        assert_eq!(hex.len(), 2 * out.len());
        for (i, value) in out.iter().enumerate() {
            let pil = u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap() as f32;
            // PIL rounds to bytes after each of its two passes.
            let difference = (value * 255.0 - pil).abs();
            assert!(
                difference <= 1.5,
                "{width}x{height} to {target_width}x{target_height}, element {i}: {} for {pil}",
                value * 255.0
            );
        }
        cases += 1;
    }
    assert_eq!(cases, 7);
}

#[test]
fn a_frame_of_another_size_makes_new_weights() {
    let mut out = vec![0.0; 8 * 8 * 3];
    let mut other = out.clone();
    let mut input = FrameInput::new(8, 8, Normalization::default());
    load(&mut input, 64, 48, &mut out);
    load(&mut input, 20, 30, &mut out);
    let mut fresh = FrameInput::new(8, 8, Normalization::default());
    load(&mut fresh, 20, 30, &mut other);
    assert_eq!(out, other);
}

/// What is drawn of a frame, as bytes in RGB, at 24x16.
fn drawn(
    bytes: &[u8],
    width: usize,
    height: usize,
    format: PixelFormat,
    threads: usize,
) -> Vec<f32> {
    let mut input = FrameInput::new(16, 24, Normalization::default());
    let mut out = vec![0.0; 16 * 24 * 3];
    let frame = Frame { bytes, width, height, format };
    input.load(&frame, &mut out, &mut Team::new(threads).unwrap()).unwrap();
    out.iter().map(|v| v * 255.0).collect()
}

fn colors(matrix: YuvMatrix, full_range: bool) -> YuvColors {
    YuvColors { matrix, full_range }
}

/// The same samples in three planes and in two.
fn planes(y: Vec<u8>, u: Vec<u8>, v: Vec<u8>) -> [Vec<u8>; 2] {
    let side_by_side = u.iter().zip(&v).flat_map(|(&u, &v)| [u, v]);
    let nv12 = y.iter().copied().chain(side_by_side).collect();
    [[y, u, v].concat(), nv12]
}

#[test]
fn video_frames_have_the_colours_that_browsers_draw() {
    use YuvMatrix::{Bt601, Bt709};
    // Of Y 120, U 90 and V 200: what Chromium 156 and WebKitGTK draw. They multiply with few bits,
    // Chromium by 2.0 where blue of BT.709 takes 2.11.
    for (matrix, full_range, chromium, webkit) in [
        (Bt601, false, [236, 77, 45], [234, 74, 44]),
        (Bt601, true, [221, 81, 53], [221, 80, 54]),
        (Bt709, false, [250, 91, 45], [248, 87, 40]),
        (Bt709, true, [234, 93, 49], [233, 92, 51]),
    ] {
        let colors = colors(matrix, full_range);
        for (width, height) in [(64usize, 48usize), (17, 13), (1, 1), (3, 2), (600, 5)] {
            let half = width.div_ceil(2) * height.div_ceil(2);
            let [i420, nv12] = planes(vec![120; width * height], vec![90; half], vec![200; half]);
            for (bytes, format) in
                [(i420, PixelFormat::I420(colors)), (nv12, PixelFormat::Nv12(colors))]
            {
                for pixel in drawn(&bytes, width, height, format, 1).chunks_exact(3) {
                    for c in 0..3 {
                        let (low, high) = (chromium[c].min(webkit[c]), chromium[c].max(webkit[c]));
                        let range = low as f32 - 1.0..=high as f32 + 1.0;
                        assert!(range.contains(&pixel[c]), "{matrix:?} {full_range}: {pixel:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn planes_are_resized_as_pictures_are() {
    for (width, height) in [(97usize, 55usize), (1300, 40), (24, 16), (5, 7)] {
        let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
        // Any brightness, and colours that change slowly: browsers widen them in various ways.
        let y: Vec<u8> = picture(width, height).chunks(4).map(|p| p[2] / 2 + 60).collect();
        let sloped = |k: usize| -> Vec<u8> {
            let place = move |i: usize| {
                (i % half_width * 60 / half_width, i / half_width * 60 / half_height)
            };
            (0..half_width * half_height)
                .map(|i| (98 + if k == 0 { place(i).0 } else { place(i).1 }) as u8)
                .collect()
        };
        let (u, v) = (sloped(0), sloped(1));
        // Converted first, each pixel by itself (JPEG's formulas).
        let rgba: Vec<u8> = (0..width * height)
            .flat_map(|i| {
                let at = i / width / 2 * half_width + i % width / 2;
                let [y, u, v] = [y[i] as f32, u[at] as f32 - 128.0, v[at] as f32 - 128.0];
                let rgb = [y + 1.402 * v, y - 0.344_136 * u - 0.714_136 * v, y + 1.772 * u];
                let [r, g, b] = rgb.map(|c| c.round().clamp(0.0, 255.0) as u8);
                [r, g, b, 255]
            })
            .collect();
        let bgra: Vec<u8> = rgba.chunks(4).flat_map(|p| [p[2], p[1], p[0], 0]).collect();
        let expected = drawn(&rgba, width, height, PixelFormat::Rgba, 1);
        let full = colors(YuvMatrix::Bt601, true);
        let [i420, nv12] = planes(y, u, v);
        let first = drawn(&i420, width, height, PixelFormat::I420(full), 1);
        // Large steps of colour between few pixels are smoothed differently.
        let tolerance = if width > 50 { 2.5 } else { 10.0 };
        for (i, (got, want)) in first.iter().zip(&expected).enumerate() {
            assert!((got - want).abs() <= tolerance, "{width}x{height}, {i}: {got} for {want}");
        }
        assert_eq!(drawn(&nv12, width, height, PixelFormat::Nv12(full), 1), first);
        assert_eq!(drawn(&bgra, width, height, PixelFormat::Bgra, 1), expected);
        // And by several threads as by one.
        assert_eq!(drawn(&nv12, width, height, PixelFormat::Nv12(full), 3), first);
    }
}

/// Loads the model made by hand and lets it work on a frame of one colour.
fn mask_of(segmenter: &mut Segmenter, model: &mut Model, rgb: [u8; 3], smoothing: f32) -> Vec<u8> {
    let rgba = [rgb[0], rgb[1], rgb[2], 255].repeat(10 * 6);
    segmenter.load_frame(model, &Frame::rgba(&rgba, 10, 6)).unwrap();
    model.run();
    segmenter.mask(model, smoothing).unwrap().to_vec()
}

#[test]
fn a_segmenter_goes_from_frame_to_mask() {
    // The mask is (r + g + b - 0.5) * 2.
    let bytes = hand_made::scaled_sum("mask", [1, 8, 8, 3], -0.5);
    let mut model = Model::load(&bytes, &Options::default()).unwrap();
    let mut segmenter = Segmenter::new(&model).unwrap();
    assert_eq!(segmenter.mask_size(), [8, 8]);
    // 0.8 in all: a mask of 0.6.
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.0), [153; 64]);
    assert_eq!(mask_of(&mut segmenter, &mut model, [255, 255, 255], 0.5), [255; 64]);
    // An uncertain mask keeps some of the one before, until it is told to forget.
    let kept = mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.5);
    assert!(kept.iter().all(|&v| v > 160 && v < 255), "{kept:?}");
    segmenter.reset();
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.5), [153; 64]);
    // A frame that is not smoothed is not remembered either.
    assert_eq!(mask_of(&mut segmenter, &mut model, [255, 255, 255], 0.0), [255; 64]);
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.5), [153; 64]);
    // It follows the model to another size.
    model.resize(16, 24).unwrap();
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.5), [153; 16 * 24]);
    assert_eq!(segmenter.mask_size(), [16, 24]);
    // A frame of zero size is refused, and nothing is lost.
    let error = segmenter.load_frame(&mut model, &Frame::rgba(&[], 0, 0)).unwrap_err();
    assert_eq!(error.kind().code(), "bad-input");
    assert_eq!(mask_of(&mut segmenter, &mut model, [51, 102, 51], 0.0), [153; 16 * 24]);
}

#[test]
fn quantized_models_give_masks_too() {
    let bytes = hand_made::quantized_scaled_sum("mask", [1, 8, 8, 3], -0.5);
    let mut model = Model::load(&bytes, &Options::default()).unwrap();
    let mut segmenter = Segmenter::new(&model).unwrap();
    // As above; the sum has 64 steps to 1.
    for (rgb, mask) in [([51, 102, 51], 153), ([255, 255, 255], 255), ([40, 60, 20], 0)] {
        let got = mask_of(&mut segmenter, &mut model, rgb, 0.0);
        assert!(got.iter().all(|&v| (v as i32 - mask).abs() <= 4), "{rgb:?}: {got:?}");
    }
}

#[test]
fn models_without_an_image_are_refused() {
    for (shape, what) in [
        (
            [2, 8, 8, 3],
            "takes an image 1xHxWx3 of float32 or of quantized integers, this one takes 2x8x8x3",
        ),
        ([1, 8, 8, 4], "this one takes 1x8x8x4 of float32"),
    ] {
        let bytes = hand_made::scaled_sum("no mask", shape, 0.5);
        let model = Model::load(&bytes, &Options::default()).unwrap();
        let error = Segmenter::new(&model).unwrap_err();
        assert_eq!(error.kind().code(), "unsupported-model");
        assert!(error.to_string().contains(what), "{error}");
    }
}
