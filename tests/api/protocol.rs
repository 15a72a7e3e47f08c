//! Bodies and headers that the SDK would not send.
