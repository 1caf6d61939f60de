// For test files whose assertions bound times: what a machine's other work can spoil is tried once more, and both tries
// are printed. A defect fails twice.

jest.retryTimes(1, { logErrorsBeforeRetry: true });
