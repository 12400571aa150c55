/**
 * The flags of upstream's log libraries: glog in early versions, klog in later ones. They are accepted, so
 * that a unit file of any version starts this daemon, and have no effect: the log goes to standard error, and
 * `-v` sets its verbosity. Their names have underscores only, there as here.
 */
export const ignoredFlags: Readonly<Record<string, 'switch' | 'value'>> = {
  add_dir_header: 'switch',
  alsologtostderr: 'switch',
  alsologtostderrthreshold: 'value',
  legacy_stderr_threshold_behavior: 'switch',
  log_backtrace_at: 'value',
  log_dir: 'value',
  log_file: 'value',
  log_file_max_size: 'value',
  logtostderr: 'switch',
  one_output: 'switch',
  skip_headers: 'switch',
  skip_log_headers: 'switch',
  stderrthreshold: 'value',
  vmodule: 'value',
};
