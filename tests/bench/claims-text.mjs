/**
 * What the figures of tests/bench/results/claims.md say of each of the article's claims, in a sentence. Written by hand:
 * whoever measures anew reads them again.
 */
export const CLAIMS = {};
