/** File systems whose locks cannot be relied on, by the number that Linux's statfs(2) gives them. */

const networkFileSystems: ReadonlyMap<number, string> = new Map([
  [0x6969, 'NFS'],
  [0x517b, 'SMB'],
  [0xfe534d42, 'SMB2'],
  [0xff534d42, 'CIFS'],
  [0x01021997, '9p'],
  [0x00c36400, 'Ceph'],
  [0x5346414f, 'AFS'],
  [0x73757245, 'Coda'],
  [0x0bd00bd0, 'Lustre'],
  [0x65735546, 'FUSE, such as sshfs'],
  [0x786f4256, 'VirtualBox shared folder'],
]);

/** The name of the network file system that has this number, or undefined for any other file system. */
export function networkFileSystemName(statfsType: number): string | undefined {
  // Node gives the 32-bit number of some systems sign-extended.
  return networkFileSystems.get(Number(BigInt.asUintN(32, BigInt(statfsType))));
}
