// Boxes, strings, aligned blocks and threads through Rust's default allocator, which is malloc; ends in a panic.
use std::alloc::{alloc_zeroed, dealloc, realloc, Layout};
use std::collections::{BTreeMap, HashMap};

fn work(seed: u64) -> u64 {
    let mut table: HashMap<u64, Vec<u8>> = HashMap::new();
    let mut state = seed;
    for i in 0..40_000u64 {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let size = (state >> 33) as usize % 4000;
        table.entry(i % 2_000).or_default().resize(size, i as u8);
    }
    let sorted: BTreeMap<_, _> = table.iter().map(|(k, v)| (*k, v.iter().map(|b| *b as u64).sum::<u64>())).collect();
    sorted.iter().fold(seed, |a, (k, v)| a.wrapping_mul(31).wrapping_add(k ^ v))
}

fn aligned() -> usize {
    let mut wrong = 0;
    for shift in 0..14 {
        for size in [1usize, 100, 5_000, 700_000] {
            let layout = Layout::from_size_align(size, 1 << shift).unwrap();
            unsafe {
                let block = alloc_zeroed(layout);
                wrong += (block as usize % layout.align() != 0 || *block.add(size - 1) != 0) as usize;
                *block = 7;
                let grown = realloc(block, layout, size * 3);
                wrong += (grown as usize % layout.align() != 0 || *grown != 7) as usize;
                dealloc(grown, Layout::from_size_align(size * 3, 1 << shift).unwrap());
            }
        }
    }
    wrong
}

fn main() {
    let threads: Vec<_> = (0..12).map(|i| std::thread::spawn(move || work(i))).collect();
    for thread in threads {
        println!("{:x}", thread.join().unwrap());
    }
    println!("misaligned or not zero: {}", aligned());
    let caught = std::panic::catch_unwind(|| { let v: Vec<u32> = Vec::new(); v[3] });
    println!("caught {}", caught.is_err());
    let child = std::process::Command::new("sh").args(["-c", "echo from a child; exit 4"]).output().unwrap();
    println!("{} {:?}", String::from_utf8_lossy(&child.stdout).trim(), child.status.code());
    panic!("the end");
}
