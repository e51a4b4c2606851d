/**
 * What the figures of tests/bench/results/claims.md say of each of the article's claims, in a sentence. Written by hand:
 * whoever measures anew reads them again.
 */
export const CLAIMS = {
  halving: 'Holds: a quarter, and again a quarter.',
  sizes: 'Time grows with the area; 64 and 72 stand out in neither runtime.',
  channels: 'Holds for multiples of 4: between them a vector is partly empty.',
  separable: '2.4 times as fast (LiteRT.js 4), not 32: a seventh of the arithmetic at twice the memory, and a dense 3x3 has a Winograd form.',
  upsampling: 'Holds without a convolution behind it; with one, that is what costs.',
  resnet: 'The bottleneck is what saves; the basic block is its two convolutions.',
  shufflenet: 'Under a third of the ResNet block’s time, for a thirtieth of its arithmetic.',
  'inverted-residual': 'Cheap in arithmetic, not in memory: six times as wide takes longer than the ResNet block.',
  memory: 'Holds: up to 1.2 times the time for the same arithmetic.',
  width: 'Half the channels take a third of the time, a quarter of them a seventh.',
  activations: 'Holds: elu and sigmoid add 60 %, tanh and gelu more than double the whole; limits are free, and hard-swish nearly.',
  dilation: 'Holds for dense convolutions, which lose their Winograd form; depthwise ones are 10 to 35 % slower.',
  softmax: 'Holds: softmax nearly doubles the head; before an argmax it is left out by us.',
  forms: 'Neither runtime is slower with it here: we unpack half-float and int8 weights when loading, LiteRT.js multiplies bytes where the weights are int8.',
};
