// Before each test file of an emulated run: a file that this machine's own node ran would prove nothing.
if (process.arch !== 'arm64') throw new Error(`these tests are run for arm64, and this is ${process.arch}`);
