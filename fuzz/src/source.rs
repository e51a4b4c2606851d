//! Bytes as choices. When they end, every further choice is the first one.

/// Bytes that are used up one by one.
pub struct Source<'a>(&'a [u8]);

impl<'a> Source<'a> {
    /// Of these bytes.
    pub fn new(bytes: &'a [u8]) -> Source<'a> {
        Source(bytes)
    }

    /// The next byte.
    pub fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        first
    }

    /// A number below `n`, which is at most 256.
    pub fn below(&mut self, n: usize) -> usize {
        if n < 2 { 0 } else { self.byte() as usize % n }
    }

    /// A number from `low` to `high`.
    pub fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below((high - low).max(0) as usize + 1) as i32
    }

    /// Yes, once in `n` times.
    pub fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == n - 1
    }

    /// One of a list.
    pub fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    /// What a list of elements is drawn from.
    pub fn seed(&mut self) -> Random {
        Random(self.byte() as u64 + 1)
    }
}

/// SplitMix64.
pub struct Random(pub u64);

impl Random {
    /// Any number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A float from -`size` to `size`; one in eight is a whole number or a half.
    pub fn float(&mut self, size: f32) -> f32 {
        let x = (self.next() >> 40) as f32 / (1u32 << 23) as f32 - 1.0;
        if self.next().is_multiple_of(8) { (2.0 * x * size).round() / 2.0 } else { x * size }
    }
}
