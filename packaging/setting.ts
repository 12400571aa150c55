// Prints a variable of flanneld.service's files of settings: node setting.js FLANNEL_CLEANUP_ON_REMOVE
import { readSettingsFiles } from '../apps/flanneld/src/settings-files.ts';

const settings = await readSettingsFiles();
console.log(settings[process.argv[2]!] ?? '');
