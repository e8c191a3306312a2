/* The clamp of fused activations on floats. */
#ifndef MIDGE_CLAMP_F32_H
#define MIDGE_CLAMP_F32_H

static inline float midge_clamp_f32(float x, float low, float high) {
  const float raised = x < low ? low : x;
  return raised > high ? high : raised;
}

#endif
