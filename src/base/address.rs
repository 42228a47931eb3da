//! Which IP addresses are on the public internet: what a feed or a receiver may reach without the
//! operator's leave.
//!
//! Blocks: IANA's special-purpose address registries for IPv4 and IPv6 (RFC 6890 and its successors).
//! Nothing here resolves names.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Blocks of IPv4 that are not public: first address, length of the prefix.
const NOT_PUBLIC_V4: [([u8; 4], u32); 15] = [
    ([0, 0, 0, 0], 8),       // this network
    ([10, 0, 0, 0], 8),      // private
    ([100, 64, 0, 0], 10),   // shared by carriers
    ([127, 0, 0, 0], 8),     // loopback
    ([169, 254, 0, 0], 16),  // link-local, metadata of clouds
    ([172, 16, 0, 0], 12),   // private
    ([192, 0, 0, 0], 24),    // protocol assignments
    ([192, 0, 2, 0], 24),    // documentation
    ([192, 88, 99, 0], 24),  // 6to4 relays
    ([192, 168, 0, 0], 16),  // private
    ([198, 18, 0, 0], 15),   // benchmarks
    ([198, 51, 100, 0], 24), // documentation
    ([203, 0, 113, 0], 24),  // documentation
    ([224, 0, 0, 0], 4),     // multicast
    ([240, 0, 0, 0], 4),     // reserved, broadcast
];

/// Blocks within the global unicast range 2000::/3 that are not public.
const NOT_PUBLIC_V6: [([u16; 2], u32); 4] = [
    ([0x2001, 0], 23),     // protocol assignments, Teredo among them
    ([0x2001, 0xDB8], 32), // documentation
    ([0x2002, 0], 16),     // 6to4, which hides an IPv4 address
    ([0x3FFF, 0], 20),     // documentation
];

/// Whether an address is on the public internet. Loopback, private, link-local, shared, multicast,
/// documentation and reserved addresses are not, in whichever form an IPv4 address is written within
/// an IPv6 one.
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let within = |(network, length): &([u8; 4], u32)| {
        let differing = ip.to_bits() ^ u32::from_be_bytes(*network);
        differing.leading_zeros() >= *length
    };
    !NOT_PUBLIC_V4.iter().any(within)
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    if let Some(inner) = ip.to_ipv4_mapped().or_else(|| nat64(ip)) {
        return is_public_v4(inner);
    }
    let [first, second, ..] = ip.segments();
    let head = u32::from(first) << 16 | u32::from(second);
    let within = |(network, length): &([u16; 2], u32)| {
        let differing = head ^ (u32::from(network[0]) << 16 | u32::from(network[1]));
        differing.leading_zeros() >= *length
    };
    let global = first >> 13 == 1;
    global && !NOT_PUBLIC_V6.iter().any(within)
}

/// The IPv4 address that a NAT64 gateway reaches for 64:ff9b::/96 (RFC 6052): a host without IPv4 sees
/// all of IPv4 there.
fn nat64(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let [0x64, 0xFF9B, 0, 0, 0, 0, high, low] = ip.segments() else { return None };
    Some(Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_addresses_are_not_public() {
        let special = "
            0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.127.255.255 127.0.0.1 127.9.9.9
            169.254.169.254 172.16.0.1 172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.1.1
            198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9 224.0.0.1 239.255.255.255 240.0.0.1
            255.255.255.255
            :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:0:127.0.0.1 64:ff9b::10.0.0.1
            64:ff9b::169.254.169.254 64:ff9b:1::8.8.8.8 100::1 2001::1 2001:0:53aa:64c::1 2001:db8::1
            2002:7f00:1::1 2002:808:808::1 3fff::1 5f00::1 fc00::1 fdff::1 fe80::1 febf::1 fec0::1 ff02::1
        ";
        for address in special.split_whitespace() {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn others_are_public() {
        let public = "
            1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.0.0.1 128.0.0.1 169.253.0.1
            172.15.255.255 172.32.0.0 192.0.1.1 192.167.0.1 192.169.0.1 198.17.0.1 198.20.0.1 223.255.255.255
            2606:4700::1111 2a00:1450:4001:800::200e 2001:4860:4860::8888 2001:200::1 ::ffff:8.8.8.8
            64:ff9b::8.8.8.8 3ffe::1
        ";
        for address in public.split_whitespace() {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }
}
