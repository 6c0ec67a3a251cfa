/** What only the virtual machine may be done to. */

/**
 * Why a test that sets the clock or unloads a kernel module cannot run here; `false` where it can. Such a test is given this as its
 * option `skip`: on a developer's own machine it says so, and in the virtual machine it runs.
 */
export const onlyInVirtualMachine =
  process.env.WGPS_VM === '1' ? false : 'changes the whole machine: run with WGPS_WORLD=vm';
