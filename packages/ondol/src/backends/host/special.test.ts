import { describe, expect, it } from 'vitest'
import { digamma, erf, erfInv, lgamma } from './special.js'

/** Relative to the value, absolute below 1. */
const within = (actual: number, expected: number, bound = 4e-15): void =>
  expect(Math.abs(actual - expected)).toBeLessThanOrEqual(bound * Math.max(1, Math.abs(expected)))

/** Expected values from mpmath 1.3 at 60 digits. */
describe('special functions', () => {
  it.each([
    [0.1, 0.1124629160182849],
    [0.5, 0.5204998778130465],
    [1, 0.8427007929497149],
    [2.4, 0.999311486103355],
    [2.6, 0.9997639655834707],
    [4, 0.9999999845827421],
    [-1.5, -0.9661051464753108],
    [1e-300, 1.1283791670955126e-300],
  ])('erf(%f)', (x, expected) => within(erf(x), expected))

  it.each([
    [0.5, 0.4769362762044699],
    [0.99, 1.8213863677184494],
    [-0.999999, -3.458910737275499],
    [0.1, 0.08885599049425769],
    [1e-12, 8.86226925452758e-13],
    [1 - 2 ** -24, 3.832506856900711],
    [1 - 2 ** -53, 5.8635847487551676],
  ])('erfInv(%f)', (x, expected) => within(erfInv(x), expected, 1e-14))

  it.each([
    [0.5, 0.5723649429247001],
    [1, 0],
    [2, 0],
    [3, Math.LN2],
    [10.5, 13.940625219403763],
    [100, 359.1342053695754],
    [-0.5, 1.2655121234846454],
    [-2.5, -0.056243716497674054],
    [1e-5, 11.512919692895826],
    [1e10, 220258509288.81058],
  ])('lgamma(%f)', (x, expected) => within(lgamma(x), expected, 1e-14))

  it.each([
    [1, -0.5772156649015329],
    [0.5, -1.9635100260214235],
    [2, 0.42278433509846713],
    [10, 2.251752589066721],
    [-0.5, 0.03648997397857652],
    [-1.5, 0.7031566406452432],
    [100.25, 4.602671243274712],
  ])('digamma(%f)', (x, expected) => within(digamma(x), expected, 1e-13))

  it('knows the edges', () => {
    expect([erf(Number.POSITIVE_INFINITY), erf(Number.NEGATIVE_INFINITY), erf(Number.NaN)]).toEqual([1, -1, Number.NaN])
    expect([erfInv(1), erfInv(-1), erfInv(1.5), erfInv(0)]).toEqual([Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN, 0])
    expect([lgamma(0), lgamma(-3), lgamma(Number.POSITIVE_INFINITY)]).toEqual(new Array(3).fill(Number.POSITIVE_INFINITY))
    expect([digamma(0), digamma(-4), digamma(Number.NaN)]).toEqual([Number.NaN, Number.NaN, Number.NaN])
    expect(digamma(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
  })
})
