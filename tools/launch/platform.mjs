/** The oldest Node that can launch: npm 9 and later come with it. The project itself runs on the pinned one. */
export const oldestLauncher = 20

/**
 * One sentence that says why Curfew cannot run here, or undefined when it can. npm brings the pinned Node to Linux on x64 with the GNU
 * C library; elsewhere the launching Node must be new enough itself.
 */
export function unsupported({ version, platform, arch, glibc }) {
  const [major, minor] = version.split('.').map(Number)
  if (major < oldestLauncher) return `Curfew needs Node ${oldestLauncher} or newer to be launched; this is ${version}.`
  if (platform === 'linux' && arch === 'x64' && glibc) return undefined
  if (platform === 'win32') return 'Curfew runs on Linux and macOS; on Windows use it inside WSL.'
  if (major > 24 || (major === 24 && minor >= 11)) return undefined
  return `Curfew runs on Node 24.11 or later. npm has no Node 24 for ${platform}-${arch} to bring along, and this is ${version}: install a newer Node and run the command again.`
}

/** What a launcher needs to know about the machine it runs on. */
export const thisMachine = () => ({
  version: process.versions.node, platform: process.platform, arch: process.arch,
  glibc: process.report?.getReport().header.glibcVersionRuntime !== undefined,
})
