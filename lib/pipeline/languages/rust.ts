import type { Pipeline, PlannedStep } from '../types.ts'

export default {
  name: 'rust',
  looksFor: 'Cargo.toml',
  detect: (workspace) => workspace.has('Cargo.toml'),
  caches: async (workspace) =>
    (await workspace.has('Cargo.lock'))
      ? [{ key: ['Cargo.lock', 'rust-toolchain', 'rust-toolchain.toml'], paths: ['target'] }]
      : [],
  async steps({ workspace, has }) {
    const locked = (await workspace.has('Cargo.lock')) ? ' --locked' : ''
    // each brings its own build up to date
    const step = (name: string, run: string, tool = 'cargo'): PlannedStep => {
      const missing = ['cargo', tool].find((one) => !has(one))
      return { name, run, independent: true, ...(missing && { skip: `${missing} is not installed` }) }
    }
    return [
      step('check', `cargo check --workspace${locked}`),
      step('clippy', `cargo clippy --workspace${locked}`, 'cargo-clippy'),
      step('build', `cargo build --workspace --release${locked}`),
      has('cargo-nextest')
        ? // By a variable, which versions that always accept a crate without tests ignore.
          {
            ...step('test', `NEXTEST_NO_TESTS=pass cargo nextest run --workspace${locked}`),
            // where its configuration asks for one
            reports: ['target/nextest/*/junit.xml'],
          }
        : step('test', `cargo test --workspace${locked}`),
      step('audit', 'cargo audit', 'cargo-audit'),
    ]
  },
} satisfies Pipeline
