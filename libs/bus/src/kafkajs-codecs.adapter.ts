import { compressionsAlgorithms } from '@platformatic/kafka'
import kafkajs from 'kafkajs'

const codecOf = (name: 'snappy' | 'lz4' | 'zstd') => () => ({
  compress: async ({ buffer }: { buffer: Buffer }) => compressionsAlgorithms[name].compressSync(buffer),
  decompress: async (data: Buffer) => compressionsAlgorithms[name].decompressSync(data),
})

/**
 * kafkajs reads gzip alone, and one batch in another codec ends its consumer for good (tulios/kafkajs#1141). Our topics are stored uncompressed whatever
 * producers send (`compression.type`), but a topic may have been made by somebody else, or hold batches from before.
 */
export function readEveryCodec(): void {
  const { CompressionCodecs: codecs, CompressionTypes: types } = kafkajs
  codecs[types.Snappy] = codecOf('snappy')
  codecs[types.LZ4] = codecOf('lz4')
  codecs[types.ZSTD] = codecOf('zstd')
}
