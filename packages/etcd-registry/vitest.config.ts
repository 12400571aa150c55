import base from '../../vitest.base.ts';

// vitest hands these on to Node, where `import` in a `require` would break protobufjs' 64-bit integers.
const conditions = ['@flannel-ts/source', 'node'];

export default { ...base, ssr: { resolve: { conditions } } };
