import { agree } from './agreement.js'

test('a short history agrees with the model, so that the long one before P4 means something', () => {
  expect(agree(5_000, 3)).toBe(5_000)
})
