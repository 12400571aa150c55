/**
 * For tests: a device without a kernel, and desired state as text.
 *
 * @packageDocumentation
 */
export { createRecordingDevice, type RecordingDevice } from './recording-device.ts';
export { describeState } from './describe-state.ts';
