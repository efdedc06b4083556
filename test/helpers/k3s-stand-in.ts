import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { hostAt, type Host } from '#lib/cluster/host.ts'
import type { Pins } from '#lib/cluster/pins.ts'
import { k3sRelease, k3sVersion } from '#lib/cluster/releases.ts'
import type { Condition, KubeObject } from '#lib/cluster/types.ts'
import { fakeApi, kubeconfigFor, status, type Answer, type Heard } from './fake-api.ts'
import { fakeMachine, spark } from './machine.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
export const k3sBinary = (version: string): string => `#!/bin/sh\necho "k3s version ${version} (0123abcd)"\n`

/** What stands for the install script of k3s: it notes what it was asked, looks at the binary, and makes the files that the real one makes. */
const script = `#!/bin/sh
set -eu
echo "install.sh $INSTALL_K3S_EXEC skip-download=$INSTALL_K3S_SKIP_DOWNLOAD restart=$INSTALL_K3S_FORCE_RESTART $INSTALL_K3S_VERSION\${K3S_URL:+ agent}" >> "$STAND_IN/asked"
[ ! -e "$STAND_IN/installer-fails" ] || { echo 'Job for k3s.service failed' >&2; exit 1; }
[ ! -e "$STAND_IN/installer-hangs" ] || { touch "$STAND_IN/hangs"; exec sleep 60; }
"$INSTALL_K3S_BIN_DIR/k3s" --version > /dev/null
mkdir -p "$INSTALL_K3S_SYSTEMD_DIR"
echo '[Service]' > "$INSTALL_K3S_SYSTEMD_DIR/k3s.service"
cat > "$INSTALL_K3S_BIN_DIR/k3s-uninstall.sh" <<END
#!/bin/sh
echo k3s-uninstall.sh >> "$STAND_IN/asked"
rm -rf "$INSTALL_K3S_BIN_DIR/k3s" "$INSTALL_K3S_SYSTEMD_DIR/k3s.service" "$ROOT/etc/rancher/k3s" "$ROOT/var/lib/rancher/k3s" "$INSTALL_K3S_BIN_DIR/k3s-uninstall.sh"
echo inactive > "$STAND_IN/state"
END
chmod +x "$INSTALL_K3S_BIN_DIR/k3s-uninstall.sh"
systemctl restart k3s
`
const systemctl = `#!/bin/sh
case $1 in
  is-active) cat "$STAND_IN/state" ;;
  reset-failed) ;;
  *) echo "systemctl $*" >> "$STAND_IN/asked"
     [ ! -e "$STAND_IN/service-fails" ] || { echo 'Job for k3s.service failed because the control process exited' >&2; exit 1; }
     echo active > "$STAND_IN/state"; mkdir -p "$ROOT/etc/rancher/k3s"; cp "$STAND_IN/k3s.yaml" "$ROOT/etc/rancher/k3s/k3s.yaml" ;;
esac
`

/**
 * A machine below a folder, an API server that is a k3s of one node, and a site with its release: everything that installs k3s may be run for real,
 * with scripts in place of its installer and of systemd that note what they were asked.
 */
export async function k3sStandIn() {
  const { root, put } = fakeMachine({ ...spark, '/etc/hosts': '127.0.0.1 localhost\n' })
  const notes = mkdtempSync(join(tmpdir(), 'raibid-k3s-'))
  const home = mkdtempSync(join(tmpdir(), 'raibid-person-'))
  const executable = (path: string, text: string): void => {
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    chmodSync(path, 0o755)
  }
  executable(join(notes, 'bin/systemctl'), systemctl)
  executable(join(notes, 'bin/uname'), '#!/bin/sh\necho aarch64\n')
  executable(join(notes, 'bin/journalctl'), '#!/bin/sh\necho "k3s[1]: level=fatal msg=stand-in"\n')
  writeFileSync(join(notes, 'state'), 'inactive\n')
  const node = {
    metadata: { name: 'spark-01' },
    status: {
      conditions: [{ type: 'Ready', status: 'True' }] as Condition[],
      addresses: [{ type: 'InternalIP', address: '192.168.2.7' }],
      nodeInfo: { kubeletVersion: k3sVersion },
    },
  }
  const maps = new Map<string, KubeObject>()
  const api = await fakeApi(({ path, method, body }: Heard): Answer => {
    if (path === '/version') return { body: { gitVersion: k3sVersion } }
    if (path === '/api/v1') return { body: { resources: [{ name: 'configmaps', kind: 'ConfigMap', namespaced: true }] } }
    if (path === '/api/v1/nodes') return { body: { metadata: { resourceVersion: '1' }, items: [node] } }
    if (method === 'PATCH') maps.set(path, body as KubeObject)
    const found = maps.get(path)
    return found ? { body: found } : status(404, 'NotFound', `${path} not found`)
  })
  writeFileSync(join(notes, 'k3s.yaml'), kubeconfigFor(api.url, 'default'))

  const files: Record<string, string> = {
    'install.sh': script,
    'k3s-arm64': k3sBinary(k3sVersion),
    'k3s-airgap-images-arm64.tar.zst': 'images',
  }
  files['sha256sum-arm64.txt'] = ['k3s-arm64', 'k3s-airgap-images-arm64.tar.zst']
    .map((name) => `${sha256(files[name]!)}  ${name}\n`)
    .join('')
  const pins: Pins = {
    images: {},
    releases: {
      [k3sRelease.script]: `sha256:${sha256(script)}`,
      [k3sRelease.checksums('arm64')]: `sha256:${sha256(files['sha256sum-arm64.txt'])}`,
    },
  }
  const got: string[] = []
  const site = createServer((request, response) => {
    const name = request.url!.split('/').at(-1)!
    got.push(name)
    response.writeHead(files[name] === undefined ? 404 : 200).end(files[name])
  })
  site.listen(0, '127.0.0.1')
  await once(site, 'listening')
  const address = `http://127.0.0.1:${(site.address() as AddressInfo).port}`

  const real = hostAt(root)
  const env = { PATH: `${join(notes, 'bin')}:${process.env['PATH']}`, STAND_IN: notes, ROOT: root }
  const host: Host = {
    ...real,
    run: (command, options = {}) => real.run(command, { ...options, env: { ...options.env, ...env } }),
  }
  return {
    ...{ root, notes, home, api, maps, files, pins, got, host, put, node },
    mirrors: { 'github.com': address, 'raw.githubusercontent.com': address },
    /** The environment of the person who types. */
    env: { HOME: home },
    kubeconfig: join(home, '.kube/config'),
    read: (path: string): string => readFileSync(join(root, path), 'utf8'),
    there: (path: string): boolean => existsSync(join(root, path)),
    /** What installer and systemd were asked since the last time. */
    asked(): string[] {
      const file = join(notes, 'asked')
      const lines = existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
      rmSync(file, { force: true })
      return lines
    },
    /** `installer-fails`, `installer-hangs`, `service-fails`. */
    set: (trouble: string, on = true): void =>
      on ? writeFileSync(join(notes, trouble), '') : rmSync(join(notes, trouble), { force: true }),
    async stop(): Promise<void> {
      site.close()
      site.closeAllConnections()
      await api.stop()
    },
  }
}

export type K3sStandIn = Awaited<ReturnType<typeof k3sStandIn>>
