// Which host names never leave this machine.

/** `host` is a name, an IPv4 address, or an IPv6 address with or without its brackets. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(host) || host === '::1' || host === '[::1]';
}
